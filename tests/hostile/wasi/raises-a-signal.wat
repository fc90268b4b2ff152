;;! title = "Wants to be killed"
;;! expect = "harmless"

(module
  (import "wasi_snapshot_preview1" "proc_raise" (func $wasi.proc_raise (param i32) (result i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (if (i32.ne (i32.const 52) (call $wasi.proc_raise (i32.const 9))) (then (unreachable)))))
