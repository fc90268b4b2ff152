;;! title = "Grows its memory in the allocator, so that every pointer of ours would be stale"
;;! expect = "harmless"
;;! events = 20

(module
  (memory (export "memory") 3)
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (drop (memory.grow (i32.const 1)))
    (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 65536)))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (if (i32.eqz (i32.load8_u (local.get $p))) (then (unreachable)))))
