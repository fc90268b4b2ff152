;;! title = "A capability with a vector in its type"
;;! expect = "refused"
;;! reason = "v128"

;; Asked for the kind of a v128, the engine's C interface aborts the process.
(module
  (import "wasmhost:observer/log@0.1.0" "write" (func (param v128) (result v128)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
