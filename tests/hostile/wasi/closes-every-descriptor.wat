;;! title = "Closes a thousand descriptors, among them ours"
;;! expect = "harmless"

(module
  (import "wasi_snapshot_preview1" "fd_close" (func $wasi.fd_close (param i32) (result i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (local $fd i32)
    (loop $again
      (if (i32.ne (i32.const 8) (call $wasi.fd_close (local.get $fd))) (then (unreachable)))
      (local.set $fd (i32.add (local.get $fd) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $fd) (i32.const 1000))))))
