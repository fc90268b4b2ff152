;;! title = "Writes to every page of 64 MiB, so that all of it is resident"
;;! expect = "harmless"
;;! alone = true

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (local $at i32)
    (drop (memory.grow (i32.const 1021)))
    (local.set $at (i32.const 0))
    (loop $again
      (i32.store (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $again (i32.lt_u (local.get $at) (i32.const 67108864))))))
