;;! title = "Wants random bytes for ever"
;;! expect = "trapped"
;;! kind = "out_of_fuel"

(module
  (import "wasi_snapshot_preview1" "random_get" (func $wasi.random_get (param i32 i32) (result i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (loop $again (drop (call $wasi.random_get (i32.const 0) (i32.const 65536))) (br $again))))
