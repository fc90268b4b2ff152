;;! title = "One write of 8,000 pieces that are all the same 60 KiB"
;;! expect = "bounded"
;;! counts = { logs_dropped = 20000 }

;; With real WASI 227 units of fuel wrote 305 MiB that way.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func $wasi.fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (local $k i32)
    (loop $fill
      (i32.store (i32.mul (local.get $k) (i32.const 8)) (i32.const 65536))
      (i32.store offset=4 (i32.mul (local.get $k) (i32.const 8)) (i32.const 60000))
      (local.set $k (i32.add (local.get $k) (i32.const 1)))
      (br_if $fill (i32.lt_u (local.get $k) (i32.const 8000))))
    (drop (call $wasi.fd_write (i32.const 2) (i32.const 0) (i32.const 8000) (i32.const 65532)))))
