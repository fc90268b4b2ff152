;;! title = "A pointer that is negative to who reads it with a sign"
;;! expect = "trapped"
;;! kind = "out_of_bounds"

;; Python's slices read a negative offset from the end.
(module
  (import "wasmhost:observer/report@0.1.0" "send" (func $report.send (param i32 i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $report.send (i32.const -4) (i32.const 2) (i32.const 0) (i32.const 1))))
