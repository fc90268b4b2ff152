;;! title = "An operator with two results that is a proposal yet"
;;! expect = "refused"
;;! reason = "does not compile"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (result i64 i64) (i64.mul_wide_u (i64.const 1) (i64.const 1)))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
