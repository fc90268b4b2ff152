;;! title = "Takes from an element segment that it gave up"
;;! expect = "trapped"
;;! kind = "out_of_bounds"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (table 1 funcref)
  (elem $e func $f)
  (func $f)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (elem.drop $e)
    (table.init $e (i32.const 0) (i32.const 0) (i32.const 1))))
