;;! title = "A name that a demangler would write out for seconds"
;;! expect = "trapped"
;;! kind = "unreachable"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $f (@name "_ZN1aIN1aI(;repeat 40;)S_IS0_S0_E(;end;)EEE") (unreachable))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $f)))
