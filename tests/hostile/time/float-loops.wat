;;! title = "Denormal numbers, for ever"
;;! expect = "trapped"
;;! kind = "out_of_fuel"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (local $x f64)
    (local.set $x (f64.const 0x1p-1060))
    (loop $again
      (local.set $x (f64.mul (local.get $x) (f64.const 0.9999999)))
      (br $again))))
