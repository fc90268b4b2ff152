;;! title = "A deep backtrace of functions with names of 90 KB"
;;! expect = "trapped"
;;! kind = "unreachable"

;; That made 1.8 MB of the engine's own text about the trap.
(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (global $deep (mut i32) (i32.const 0))
  (func $f (@name "(;repeat 4200;)\1b[2J\0aINFO all is well (;end;)")
    (if (i32.gt_u (global.get $deep) (i32.const 40)) (then (unreachable)))
    (global.set $deep (i32.add (global.get $deep) (i32.const 1)))
    (call $f)
    (call $f))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $f)))
