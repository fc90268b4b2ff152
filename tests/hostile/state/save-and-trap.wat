;;! title = "Saves and then traps: a delivery that trapped must leave nothing behind"
;;! expect = "trapped"
;;! kind = "unreachable"
;;! events = 5
;;! observer = { grant = ["state"] }

;; Did the save count, the next event would find it and not trap.
(module
  (import "wasmhost:observer/state@0.1.0" "save" (func $state.save (param i32 i32)))
  (import "wasmhost:observer/state@0.1.0" "load" (func $state.load (param i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $state.load (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (return)))
    (call $state.save (i32.const 0) (i32.const 10))
    (unreachable)))
