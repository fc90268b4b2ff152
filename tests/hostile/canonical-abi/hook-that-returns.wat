;;! title = "A hook that returns what it must not"
;;! expect = "refused"
;;! reason = 'must be \(i32 i32\) -> \(\)'

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param i32 i32) (result i32) (i32.const 0)))
