;;! title = "Saves a thousand times in one delivery: the last one counts"
;;! expect = "harmless"
;;! observer = { grant = ["state"] }

(module
  (import "wasmhost:observer/state@0.1.0" "save" (func $state.save (param i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (local $left i32)
    (local.set $left (i32.const 1000))
    (loop $again
      (call $state.save (i32.const 0) (i32.const 100))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))))
