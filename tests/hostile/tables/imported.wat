;;! title = "Would like the table through which the airlock is called"
;;! expect = "refused"
;;! reason = "front#table, which wasmhost does not offer"

(module
  (import "front" "table" (table 1 funcref))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
