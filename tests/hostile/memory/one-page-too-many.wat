;;! title = "Wants a page more than it may have"
;;! expect = "refused"
;;! reason = "does not instantiate.*memory"

(module
  (memory (export "memory") 1025)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
