;;! title = "An import of a thousand parameters"
;;! expect = "refused"
;;! reason = "i64 i64"

(module
  (import "wasmhost:observer/log@0.1.0" "write" (func (param (;repeat 900;)i64 (;end;))))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
