;;! title = "A start function that exits"
;;! expect = "refused"
;;! reason = "called an import before it was instantiated"

(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $wasi.proc_exit (param i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $start
    (call $wasi.proc_exit (i32.const 0)))
  (start $start)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
