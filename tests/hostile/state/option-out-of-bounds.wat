;;! title = "Wants its state outside its memory"
;;! expect = "trapped"
;;! kind = "out_of_bounds"
;;! observer = { grant = ["state"] }

(module
  (import "wasmhost:observer/state@0.1.0" "load" (func $state.load (param i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $state.load (i32.const -12))))
