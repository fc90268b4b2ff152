;;! title = "Never comes back with room"
;;! expect = "trapped"
;;! kind = "out_of_fuel"

(module
  (memory (export "memory") 3)
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (loop $again (br $again))
    (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
