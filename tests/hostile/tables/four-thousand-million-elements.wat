;;! title = "A table as large as there can be"
;;! expect = "refused"
;;! reason = "does not instantiate|does not compile"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (table 0xffffffff funcref)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
