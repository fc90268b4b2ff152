;;! title = "Writes escape sequences to standard error and aborts, as a program's panic does"
;;! expect = "trapped"
;;! kind = "unreachable"

(module
  (import "wasi_snapshot_preview1" "fd_write" (func $wasi.fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data (i32.const 64) "panic: \1b[31m\0agoroutine 1\07\c2\9b2J \ff\fe")
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 32))
    (drop (call $wasi.fd_write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 16)))
    (unreachable)))
