;;! title = "Has room for the event, and none for what it asked for"
;;! expect = "trapped"
;;! kind = "allocator"
;;! observer = { config = { key = "value" } }

(module
  (import "wasmhost:observer/config@0.1.0" "get" (func $config.get (param i32 i32 i32)))
  (memory (export "memory") 3)
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (global.set $asked (i32.add (global.get $asked) (i32.const 1)))
    (select (i32.const 131072) (i32.const -1) (i32.eq (global.get $asked) (i32.const 1))))
  (data (i32.const 0) "key")
  (global $asked (mut i32) (i32.const 0))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $config.get (i32.const 0) (i32.const 3) (i32.const 64))))
