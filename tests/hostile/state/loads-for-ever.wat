;;! title = "Loads 64 KiB again and again"
;;! expect = "trapped"
;;! kind = "out_of_fuel"
;;! observer = { grant = ["state"] }

(module
  (import "wasmhost:observer/state@0.1.0" "save" (func $state.save (param i32 i32)))
  (import "wasmhost:observer/state@0.1.0" "load" (func $state.load (param i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $state.save (i32.const 0) (i32.const 65536))
    (loop $again (call $state.load (i32.const 64)) (br $again))))
