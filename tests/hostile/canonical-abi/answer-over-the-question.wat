;;! title = "Wants the answer where it keeps the question"
;;! expect = "harmless"
;;! observer = { config = { key-of-its-ow = "x", key-of-its-o = "y" } }

(module
  (import "wasmhost:observer/config@0.1.0" "get" (func $config.get (param i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data (i32.const 64) "key-of-its-own")
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $config.get (i32.const 64) (i32.const 12) (i32.const 64))))
