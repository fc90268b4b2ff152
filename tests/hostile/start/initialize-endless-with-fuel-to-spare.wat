;;! title = "The same with more fuel than time"
;;! expect = "refused"
;;! reason = '_initialize trapped \(deadline\)'
;;! observer = { init_fuel = 1_000_000_000_000_000, init_deadline_ms = 50 }
;;! alone = true

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "_initialize")
    (loop $again (br $again)))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
