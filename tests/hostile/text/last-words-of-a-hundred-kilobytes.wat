;;! title = "Last words that are cut"
;;! expect = "trapped"
;;! kind = "unreachable"

(module
  (import "wasmhost:observer/panic@0.1.0" "report" (func $panic.report (param i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $panic.report (i32.const 0) (i32.const 100000))
    (unreachable)))
