;;! title = "A manifest that names a hook that the module has not"
;;! expect = "refused"
;;! reason = "manifest names on_stop"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32))
  (@custom "wasmhost:manifest" "\a4\64name\61x\65hooks\81\67on_stop\67version\611\68manifest\01"))
