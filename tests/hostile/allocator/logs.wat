;;! title = "Calls an import in the middle of our own work"
;;! expect = "trapped"
;;! kind = "allocator"

(module
  (import "wasmhost:observer/log@0.1.0" "write" (func $log.write (param i32 i32 i32)))
  (memory (export "memory") 3)
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (call $log.write (i32.const 2) (i32.const 0) (i32.const 4))
    (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
