;;! title = "Saves a state with which it cannot start again, and traps at the next event"
;;! expect = "trapped"
;;! kind = "unreachable"
;;! panics = 1
;;! alone = true
;;! observer = { grant = ["state"], backoff_ms = [10, 100] }

;; It is tried again and again, ever more rarely, and its neighbour does not notice.
(module
  (import "wasmhost:observer/state@0.1.0" "save" (func $state.save (param i32 i32)))
  (import "wasmhost:observer/state@0.1.0" "load" (func $state.load (param i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (global $served (mut i32) (i32.const 0))
  (func (export "_initialize")
    (call $state.load (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then (unreachable))))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (if (i32.eqz (global.get $served)) (then
      (global.set $served (i32.const 1))
      (call $state.save (i32.const 0) (i32.const 10))
      (return)))
    (unreachable)))
