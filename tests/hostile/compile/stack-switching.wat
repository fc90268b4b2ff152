;;! title = "Continuations"
;;! expect = "refused"
;;! reason = "does not compile"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (type $f (func))
  (type $c (cont $f))
  (func (param (ref null $c)))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
