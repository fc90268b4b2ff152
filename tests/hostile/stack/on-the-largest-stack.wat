;;! title = "Recursion on the largest stack that can be configured"
;;! expect = "trapped"
;;! kind = "stack_overflow"
;;! alone = true
;;! observer = { stack_kib = 1024, fuel = 1_000_000_000, deadline_ms = 5000 }

;; On a thread whose stack is not larger than the guest's that is SIGSEGV.
(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $deeper (call $deeper) (call $deeper))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $deeper)))
