;;! title = "A name with escape sequences, a newline and a change of direction"
;;! expect = "refused"
;;! reason = '\\x1b\[2J\\nerror'

(module
  (import "\1b[2J\0aerror: wasmhost is broken" "\e2\80\ae" (func))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
