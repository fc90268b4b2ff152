;;! title = "A metric whose name is outside its memory"
;;! expect = "trapped"
;;! kind = "out_of_bounds"

(module
  (import "wasmhost:observer/metrics@0.1.0" "counter-add" (func $metrics.counter-add (param i32 i32 i64)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $metrics.counter-add (i32.const 0x7fffffff) (i32.const 1) (i64.const 1))))
