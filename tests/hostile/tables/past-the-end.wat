;;! title = "Calls an element past the end"
;;! expect = "trapped"
;;! kind = "out_of_bounds"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (table 1 funcref)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call_indirect (i32.const -1))))
