;;! title = "A hook that returns an error full of control characters"
;;! expect = "harmless"
;;! hook = "on_start"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data (i32.const 64) "\01\00\00\00\80\00\00\00\18\00\00\00")
  (data (i32.const 128) "\1b[2J\0alevel=error \e2\80\ae\00\07\9b")
  (func (export "wasmhost:observer/lifecycle@0.1.0#on-start") (param $p i32) (param $n i32) (result i32)
    (i32.const 64)))
