;;! title = "64 KiB of newlines written to standard output: as many lines"
;;! expect = "bounded"
;;! counts = {  }
;;! alone = true

(module
  (import "wasi_snapshot_preview1" "fd_write" (func $wasi.fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (i32.store (i32.const 0) (i32.const 65536))
    (i32.store (i32.const 4) (i32.const 65000))
    (memory.fill (i32.const 65536) (i32.const 10) (i32.const 65000))
    (drop (call $wasi.fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 16)))))
