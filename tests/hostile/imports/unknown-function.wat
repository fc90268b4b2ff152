;;! title = "A function that WASI has not"
;;! expect = "refused"
;;! reason = "fd_fly, which wasmhost does not offer"

(module
  (import "wasi_snapshot_preview1" "fd_fly" (func))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
