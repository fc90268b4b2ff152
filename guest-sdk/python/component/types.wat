;; The records' encodings, which the types of the hooks are named after, and the delivery's time.
(type $bytes (list u8))
(type $timestamp u64)
(instance $types
  (export "timestamp" (type $timestamp))
  (export "event" (type $bytes))
  (export "signaling-event-cbor" (type $bytes))
  (export "peer-event-cbor" (type $bytes))
  (export "error-event-cbor" (type $bytes))
  (export "credential-event-cbor" (type $bytes))
  (export "backpressure-event-cbor" (type $bytes)))
