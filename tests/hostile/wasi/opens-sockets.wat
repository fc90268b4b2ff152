;;! title = "Tries to use sockets it guesses"
;;! expect = "harmless"

(module
  (import "wasi_snapshot_preview1" "sock_accept" (func $wasi.sock_accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send" (func $wasi.sock_send (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_shutdown" (func $wasi.sock_shutdown (param i32 i32) (result i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (if (i32.ne (i32.const 52) (call $wasi.sock_accept (i32.const 3) (i32.const 0) (i32.const 64))) (then (unreachable)))
    (if (i32.ne (i32.const 52) (call $wasi.sock_send (i32.const 4) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 64))) (then (unreachable)))
    (if (i32.ne (i32.const 52) (call $wasi.sock_shutdown (i32.const 5) (i32.const 3))) (then (unreachable)))))
