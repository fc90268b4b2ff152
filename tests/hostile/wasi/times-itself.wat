;;! title = "Measures how long its own work takes: by its clock it takes no time"
;;! expect = "harmless"

;; A clock that runs is what timing attacks begin with.
(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $wasi.clock_time_get (param i32 i64 i32) (result i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (local $left i32)
    (drop (call $wasi.clock_time_get (i32.const 1) (i64.const 1) (i32.const 0)))
    (local.set $left (i32.const 1000000))
    (loop $again
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))
    (drop (call $wasi.clock_time_get (i32.const 1) (i64.const 1) (i32.const 8)))
    (if (i64.ne (i64.load (i32.const 0)) (i64.load (i32.const 8))) (then (unreachable)))))
