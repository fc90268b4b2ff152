;;! title = "Imports a resource of ours that there is not"
;;! expect = "refused"
;;! reason = "does not offer|something else|another"
;;! thread = { expect = "refused", reason = "process|does not offer|something else|another" }

(component
  (import "wasmhost:observer/log@0.1.0"
    (instance (export "r" (type (sub resource))) (type $f (func (param "a" u32))) (export "fly" (func (type $f))))))
