;; The host's delivery, with the name of a type that the WIT uses in it.
(import "wasmhost:observer/delivery@0.1.0" (instance $host-delivery
  (export "now" (func (result u64)))
  (export "sequence" (func (result u64)))
  (export "lost" (func (result u64)))
  (export "random" (func (result u64)))))
(instance $delivery
  (export "timestamp" (type $timestamp))
  (export "now" (func $host-delivery "now"))
  (export "sequence" (func $host-delivery "sequence"))
  (export "lost" (func $host-delivery "lost"))
  (export "random" (func $host-delivery "random")))
