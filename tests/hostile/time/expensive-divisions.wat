;;! title = "Operators that take long for their one unit of fuel"
;;! expect = "trapped"
;;! kind = "deadline"
;;! alone = true
;;! observer = { fuel = 1_000_000_000_000, deadline_ms = 50 }

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (local $x f64)
    (local.set $x (f64.const 3))
    (loop $again
      (;repeat 50;)(local.set $x (f64.sqrt (f64.div (local.get $x) (f64.const 1.0000001))))
      (;end;)
      (br $again))))
