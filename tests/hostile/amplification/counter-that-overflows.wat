;;! title = "Adds the largest number there is to a counter, a thousand times"
;;! expect = "harmless"

(module
  (import "wasmhost:observer/metrics@0.1.0" "counter-add" (func $metrics.counter-add (param i32 i32 i64)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (local $left i32)
    (local.set $left (i32.const 1000))
    (loop $again
      (call $metrics.counter-add (i32.const 0) (i32.const 4) (i64.const -1))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))))
