;;! title = "The memory that guest and host share"
;;! expect = "refused"
;;! reason = "front#box, which wasmhost does not offer"

(module
  (import "front" "box" (memory 4 4))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
