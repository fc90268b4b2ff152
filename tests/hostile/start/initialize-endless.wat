;;! title = "An initialisation that never returns"
;;! expect = "refused"
;;! reason = '_initialize trapped \(out_of_fuel\)'
;;! observer = { init_fuel = 1_000_000 }

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "_initialize")
    (loop $again (br $again)))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
