;;! title = "Traps on every third event only: none is tried again, and the others are served"
;;! expect = "trapped"
;;! kind = "unreachable"
;;! panics = 3
;;! events = 9
;;! alone = true

;; Elsewhere such an event was retried for ever (redpanda#18530).
(module
  (import "wasmhost:observer/delivery@0.1.0" "sequence" (func $delivery.sequence (result i64)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (if (i64.eqz (i64.rem_u (call $delivery.sequence) (i64.const 3))) (then (unreachable)))))
