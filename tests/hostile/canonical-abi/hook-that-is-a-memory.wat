;;! title = "A memory that is called like a hook"
;;! expect = "refused"
;;! reason = "must be a function"

(module
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (memory (export "memory") (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") 3))
