;;! title = "A post-return that fills memory with other words, once the error was returned"
;;! expect = "harmless"
;;! events = 1
;;! hook = "on_start"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data (i32.const 64) "\01\00\00\00\80\00\00\00\05\00\00\00")
  (data (i32.const 128) "words")
  (func $post (export "cabi_post_wasmhost:observer/lifecycle@0.1.0#on-start") (param i32)
    (memory.fill (i32.const 0) (i32.const 0x1b) (i32.const 131072)))
  (func (export "wasmhost:observer/lifecycle@0.1.0#on-start") (param $p i32) (param $n i32) (result i32)
    (i32.const 64)))
