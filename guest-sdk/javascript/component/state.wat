(import "wasmhost:observer/state@0.1.0" (instance $state
  (export "load" (func (result (option (list u8)))))
  (export "save" (func (param "blob" (list u8))))))
