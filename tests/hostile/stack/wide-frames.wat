;;! title = "Frames of eight kilobytes"
;;! expect = "trapped"
;;! kind = "stack_overflow"
;;! alone = true
;;! observer = { fuel = 1_000_000_000, deadline_ms = 5000 }

;; Locals that are all alive across the call have to be on the stack.
(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $deeper (param $x i64) (result i64)
    (local (;repeat 1000;)i64 (;end;))
    (;repeat 1000;)(local.set $i (i64.add (local.get $x) (i64.const $i)))
    (;end;)
    (i64.add (call $deeper (local.get 7))
      (;repeat 500;)(i64.add (local.get $i) (;end;) (i64.const 0) (;repeat 500;))(;end;)))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (drop (call $deeper (i64.const 1)))))
