(import "wasmhost:observer/report@0.1.0" (instance $report
  (export "send" (func (param "topic" string) (param "body" (list u8))))))
