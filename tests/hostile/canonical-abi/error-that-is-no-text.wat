;;! title = "An error that is no UTF-8, and no text at all"
;;! expect = "harmless"
;;! hook = "on_start"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data (i32.const 64) "\01\00\00\00\80\00\00\00\08\00\00\00")
  (data (i32.const 128) "\ff\fe\00\1b\c0\80\ed\a0")
  (func (export "wasmhost:observer/lifecycle@0.1.0#on-start") (param $p i32) (param $n i32) (result i32)
    (i32.const 64)))
