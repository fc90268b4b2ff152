;;! title = "Does nothing but sleep"
;;! expect = "trapped"
;;! kind = "out_of_fuel"

(module
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $wasi.poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (i32.store (i32.const 16) (i32.const 1))
    (i64.store (i32.const 24) (i64.const 1000000000))
    (loop $again
      (drop (call $wasi.poll_oneoff (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))
      (br $again))))
