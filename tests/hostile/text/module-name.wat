;;! title = "A module whose own name is a terminal's command"
;;! expect = "trapped"
;;! kind = "unreachable"

(module (@name "\1b]0;owned\07")
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (unreachable)))
