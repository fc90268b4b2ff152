;;! title = "Tries to open, read, link and delete files; each must be refused"
;;! expect = "harmless"

(module
  (import "wasi_snapshot_preview1" "path_open" (func $wasi.path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $wasi.path_unlink_file (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_symlink" (func $wasi.path_symlink (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $wasi.fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_prestat_get" (func $wasi.fd_prestat_get (param i32 i32) (result i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data (i32.const 0) "/etc/passwd")
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (if (i32.ne (i32.const 52) (call $wasi.path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 11) (i32.const 0) (i64.const -1) (i64.const -1) (i32.const 0) (i32.const 64))) (then (unreachable)))
    (if (i32.ne (i32.const 52) (call $wasi.path_unlink_file (i32.const 3) (i32.const 0) (i32.const 11))) (then (unreachable)))
    (if (i32.ne (i32.const 52) (call $wasi.path_symlink (i32.const 0) (i32.const 11) (i32.const 3) (i32.const 0) (i32.const 11))) (then (unreachable)))
    (if (i32.ne (i32.const 8) (call $wasi.fd_read (i32.const 3) (i32.const 0) (i32.const 1) (i32.const 64))) (then (unreachable)))
    (if (i32.ne (i32.const 8) (call $wasi.fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 64))) (then (unreachable)))
    (if (i32.ne (i32.const 8) (call $wasi.fd_prestat_get (i32.const 3) (i32.const 64))) (then (unreachable)))))
