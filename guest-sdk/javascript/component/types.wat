;; The records' encodings, which the types of the hooks are named after.
(type $bytes (list u8))
(instance $types
  (export "event" (type $bytes))
  (export "signaling-event-cbor" (type $bytes))
  (export "peer-event-cbor" (type $bytes))
  (export "error-event-cbor" (type $bytes))
  (export "credential-event-cbor" (type $bytes))
  (export "backpressure-event-cbor" (type $bytes)))
