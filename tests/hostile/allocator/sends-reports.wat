;;! title = "Sends a report for each allocation"
;;! expect = "trapped"
;;! kind = "allocator"

(module
  (import "wasmhost:observer/report@0.1.0" "send" (func $report.send (param i32 i32 i32 i32)))
  (memory (export "memory") 3)
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (call $report.send (i32.const 0) (i32.const 4) (i32.const 0) (i32.const 4))
    (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
