;;! title = "Thirty thousand lines of one letter in one write"
;;! expect = "bounded"
;;! counts = { logs_dropped = 89100 }
;;! alone = true

(module
  (import "wasi_snapshot_preview1" "fd_write" (func $wasi.fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (local $k i32)
    (loop $fill
      (i32.store16 (i32.add (i32.const 65536) (local.get $k)) (i32.const 0x0a61))
      (local.set $k (i32.add (local.get $k) (i32.const 2)))
      (br_if $fill (i32.lt_u (local.get $k) (i32.const 65000))))
    (i32.store (i32.const 0) (i32.const 65536))
    (i32.store (i32.const 4) (i32.const 65000))
    (drop (call $wasi.fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))
