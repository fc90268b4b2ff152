(import "wasmhost:observer/config@0.1.0" (instance $config
  (export "get" (func (param "key" string) (result (option string))))))
