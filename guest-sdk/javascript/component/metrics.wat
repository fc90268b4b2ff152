;; The host's metrics, a counter's number in halves.
(import "wasmhost:observer/metrics@0.1.0" (instance $host-metrics
  (export "counter-add" (func (param "name" string) (param "by" u64)))
  (export "gauge-set" (func (param "name" string) (param "value" f64)))))
(core func $counter-add (canon lower (func $host-metrics "counter-add") (memory $memory)))
(core module $metrics-module
  (import "whole" "counter-add" (func $counter-add (param i32 i32 i64)))
  (func (export "counter-add") (param $name i32) (param $size i32) (param $low i32) (param $high i32)
    (call $counter-add
      (local.get $name)
      (local.get $size)
      (i64.or
        (i64.extend_i32_u (local.get $low))
        (i64.shl (i64.extend_i32_u (local.get $high)) (i64.const 32))))))
(core instance $metrics-core (instantiate $metrics-module
  (with "whole" (instance (export "counter-add" (func $counter-add))))))
(func $counter-add-halves (param "name" string) (param "low" u32) (param "high" u32)
  (canon lift (core func $metrics-core "counter-add") (memory $memory) (realloc $realloc)))
(instance $metrics
  (export "counter-add" (func $counter-add-halves))
  (export "gauge-set" (func $host-metrics "gauge-set")))
