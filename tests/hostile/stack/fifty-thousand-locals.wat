;;! title = "A function with 60,000 locals"
;;! expect = "refused"
;;! reason = "does not compile|locals"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (local (;repeat 60000;)i64 (;end;)))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
