;; The host's panic.report, and a trap of our own.
(import "wasmhost:observer/panic@0.1.0" (instance $host-panic
  (export "report" (func (param "message" string)))))
(core module $trap-module
  (func $trap (export "trap") unreachable))
(core instance $trap-core (instantiate $trap-module))
(func $trap (canon lift (core func $trap-core "trap")))
(instance $panic
  (export "report" (func $host-panic "report"))
  (export "trap" (func $trap)))
