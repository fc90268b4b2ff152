(import "wasmhost:observer/metrics@0.1.0" (instance $metrics
  (export "counter-add" (func (param "name" string) (param "by" u64)))
  (export "gauge-set" (func (param "name" string) (param "value" f64)))))
