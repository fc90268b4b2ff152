;;! title = "Two functions that call each other in their tails, through a table"
;;! expect = "trapped"
;;! kind = "out_of_fuel"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (type $f (func))
  (table 2 funcref)
  (elem (i32.const 0) $ping $pong)
  (func $ping (return_call_indirect (type $f) (i32.const 1)))
  (func $pong (return_call_indirect (type $f) (i32.const 0)))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (return_call_indirect (type $f) (i32.const 0))))
