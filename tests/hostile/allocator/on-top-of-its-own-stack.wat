;;! title = "Gives room where it keeps its own data: nobody's harm but its own"
;;! expect = "harmless"

(module
  (memory (export "memory") 3)
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 8))
  (data (i32.const 0) "all that it has")
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
