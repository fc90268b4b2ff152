;;! title = "Copies no bytes, from past the end"
;;! expect = "trapped"
;;! kind = "out_of_bounds"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (memory.copy (i32.const 0) (i32.const 196609) (i32.const 0))))
