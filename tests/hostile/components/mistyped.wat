;;! title = "Logging with a level that is a number"
;;! expect = "refused"
;;! reason = "it must be"
;;! thread = { expect = "refused", reason = "process|it must be" }

(component
  (import "wasmhost:observer/log@0.1.0"
    (instance (type $f (func (param "level" u32) (param "message" string))) (export "write" (func (type $f))))))
