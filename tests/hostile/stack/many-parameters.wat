;;! title = "Recursion with a thousand parameters each time"
;;! expect = "trapped"
;;! kind = "stack_overflow"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $deeper (param (;repeat 900;)i64 (;end;))
    (call $deeper (;repeat 900;)(local.get $i) (;end;))
    (call $deeper (;repeat 900;)(local.get 1) (;end;)))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $deeper (;repeat 900;)(i64.const $i) (;end;))))
