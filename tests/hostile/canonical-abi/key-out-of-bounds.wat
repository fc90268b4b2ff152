;;! title = "Asks for a key outside its memory"
;;! expect = "trapped"
;;! kind = "out_of_bounds"

(module
  (import "wasmhost:observer/config@0.1.0" "get" (func $config.get (param i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $config.get (i32.const 0) (i32.const 0x7fffffff) (i32.const 64))))
