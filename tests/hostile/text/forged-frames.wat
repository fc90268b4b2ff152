;;! title = "Functions that are called like the airlock's"
;;! expect = "trapped"
;;! kind = "unreachable"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $f (@name "airlock: deliver") (unreachable))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $f)))
