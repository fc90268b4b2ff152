;;! title = "Wants random bytes past the end of its memory"
;;! expect = "trapped"
;;! kind = "out_of_bounds"

(module
  (import "wasi_snapshot_preview1" "random_get" (func $wasi.random_get (param i32 i32) (result i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (drop (call $wasi.random_get (i32.const 196600) (i32.const 9)))))
