;;! title = "A hundred thousand log lines for each event"
;;! expect = "bounded"
;;! counts = { logs_dropped = 200_000, logs = [1, 300] }

(module
  (import "wasmhost:observer/log@0.1.0" "write" (func $log.write (param i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (local $left i32)
    (local.set $left (i32.const 100000))
    (loop $again
      (call $log.write (i32.const 4) (i32.const 0) (i32.const 10))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))))
