;;! title = "Exits the process from its allocator"
;;! expect = "trapped"
;;! kind = "allocator"

(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $wasi.proc_exit (param i32)))
  (memory (export "memory") 3)
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (call $wasi.proc_exit (i32.const 0))
    (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
