(import "wasmhost:observer/panic@0.1.0" (instance $panic
  (export "report" (func (param "message" string)))))
