;;! title = "Recursion with an import called in each frame, so that ours is the last one"
;;! expect = "trapped"
;;! kind = "stack_overflow"

(module
  (import "wasmhost:observer/log@0.1.0" "write" (func $log.write (param i32 i32 i32)))
  (import "wasmhost:observer/delivery@0.1.0" "now" (func $delivery.now (result i64)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $deeper
    (call $log.write (i32.const 1) (i32.const 0) (i32.const 1))
    (drop (call $delivery.now))
    (call $deeper)
    (call $deeper))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $deeper)))
