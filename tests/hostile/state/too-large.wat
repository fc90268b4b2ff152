;;! title = "Saves a byte more than it may: the old state stays"
;;! expect = "harmless"
;;! observer = { grant = ["state"] }

(module
  (import "wasmhost:observer/state@0.1.0" "save" (func $state.save (param i32 i32)))
  (import "wasmhost:observer/state@0.1.0" "load" (func $state.load (param i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $state.save (i32.const 0) (i32.const 10))
    (call $state.save (i32.const 0) (i32.const 65537))
    (call $state.load (i32.const 196400))
    (if (i32.ne (i32.load (i32.const 196408)) (i32.const 10)) (then (unreachable)))))
