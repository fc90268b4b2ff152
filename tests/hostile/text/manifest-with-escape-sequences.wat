;;! title = "A manifest with a control character in its version"
;;! expect = "refused"
;;! reason = "manifest.*printable"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32))
  (@custom "wasmhost:manifest" "\a4\65hooks\81\73on_webrtc_connected\67version\63\1b[J\68manifest\01\64name\61x"))
