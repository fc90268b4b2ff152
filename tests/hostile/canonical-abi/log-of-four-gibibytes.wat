;;! title = "A log line as long as there can be, of which we would keep 4 KiB"
;;! expect = "trapped"
;;! kind = "out_of_bounds"

;; A lie is a trap also where it would do no harm.
(module
  (import "wasmhost:observer/log@0.1.0" "write" (func $log.write (param i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $log.write (i32.const 2) (i32.const 0) (i32.const -1))))
