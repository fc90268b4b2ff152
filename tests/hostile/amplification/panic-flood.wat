;;! title = "A thousand panics, each with words of its own"
;;! expect = "trapped"
;;! kind = "unreachable"
;;! events = 300
;;! alone = true

;; Equal panics are one row, however they are worded.
(module
  (import "wasmhost:observer/panic@0.1.0" "report" (func $panic.report (param i32 i32)))
  (import "wasmhost:observer/delivery@0.1.0" "random" (func $delivery.random (result i64)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (i64.store (i32.const 0) (i64.add (call $delivery.random) (i64.const 0x3030303030303030)))
    (call $panic.report (i32.const 0) (i32.const 4096))
    (unreachable)))
