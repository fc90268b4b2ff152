;;! title = "Topics and metric names that are too long"
;;! expect = "bounded"
;;! counts = { reports_dropped = 6, reports = [0, 0] }

(module
  (import "wasmhost:observer/report@0.1.0" "send" (func $report.send (param i32 i32 i32 i32)))
  (import "wasmhost:observer/metrics@0.1.0" "gauge-set" (func $metrics.gauge-set (param i32 i32 f64)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $report.send (i32.const 0) (i32.const 257) (i32.const 0) (i32.const 1))
    (call $metrics.gauge-set (i32.const 0) (i32.const 257) (f64.const 1))))
