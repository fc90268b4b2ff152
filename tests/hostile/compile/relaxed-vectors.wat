;;! title = "Vector operators whose result depends on the machine"
;;! expect = "refused"
;;! reason = "does not compile"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (param v128) (result v128) (i8x16.relaxed_swizzle (local.get 0) (local.get 0)))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
