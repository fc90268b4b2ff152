;;! title = "A start function that never returns"
;;! expect = "refused"
;;! reason = "start function trapped: the guest used up its fuel"
;;! observer = { init_fuel = 1_000_000 }

;; As in the endless-start modules that Kubewarden's policy server once waited for.
(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $start
    (loop $again (br $again)))
  (start $start)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
