;;! title = "Metrics whose names break lines and labels"
;;! expect = "harmless"

(module
  (import "wasmhost:observer/metrics@0.1.0" "counter-add" (func $metrics.counter-add (param i32 i32 i64)))
  (import "wasmhost:observer/metrics@0.1.0" "gauge-set" (func $metrics.gauge-set (param i32 i32 f64)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data (i32.const 0) "a\22} 1\0ab{x=\22\1b[2J\e2\80\ae")
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $metrics.counter-add (i32.const 0) (i32.const 20) (i64.const 1))
    (call $metrics.gauge-set (i32.const 0) (i32.const 12) (f64.const nan))))
