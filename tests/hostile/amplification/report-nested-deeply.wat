;;! title = "A report of 60,000 arrays in each other"
;;! expect = "bounded"
;;! counts = { reports_dropped = 3, reports = [0, 0] }

(module
  (import "wasmhost:observer/report@0.1.0" "send" (func $report.send (param i32 i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (memory.fill (i32.const 0) (i32.const 0x81) (i32.const 60000))
    (call $report.send (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 60001))))
