;;! title = "A program with a main function and no hook"
;;! expect = "refused"
;;! reason = "exports no hook"

(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $wasi.proc_exit (param i32)))
  (memory (export "memory") 3)
  (func (export "_start") (call $wasi.proc_exit (i32.const 0))))
