;;! title = "Asks itself for room"
;;! expect = "trapped"
;;! kind = "stack_overflow"

(module
  (memory (export "memory") 3)
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.add
      (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1))
      (i32.const 8)))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
