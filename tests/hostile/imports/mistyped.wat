;;! title = "Calls logging with one number too few"
;;! expect = "refused"
;;! reason = 'must be \(i32 i32 i32\)'

(module
  (import "wasmhost:observer/log@0.1.0" "write" (func (param i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
