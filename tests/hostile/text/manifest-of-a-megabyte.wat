;;! title = "A manifest of a megabyte"
;;! expect = "refused"
;;! reason = "manifest.*more than 8,192"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32))
  (@custom "wasmhost:manifest" "(;repeat 100000;)0123456789(;end;)"))
