;;! title = "Takes most of its time at each event, and returns"
;;! expect = "harmless"
;;! events = 20
;;! alone = true
;;! observer = { fuel = 1_000_000_000 }

;; The neighbour must not wait for it: slow observers have a lane of their own.
(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (local $left i32)
    (local.set $left (i32.const 2000000))
    (loop $again
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $again (local.get $left)))))
