;;! title = "Looks for secrets in environment and arguments; there must be none"
;;! expect = "harmless"

(module
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $wasi.environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $wasi.args_sizes_get (param i32 i32) (result i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (drop (call $wasi.environ_sizes_get (i32.const 0) (i32.const 4)))
    (drop (call $wasi.args_sizes_get (i32.const 8) (i32.const 12)))
    (if (i64.ne (i64.or (i64.load (i32.const 0)) (i64.load (i32.const 8))) (i64.const 0)) (then (unreachable)))))
