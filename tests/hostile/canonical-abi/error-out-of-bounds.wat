;;! title = "An error whose words are outside its memory"
;;! expect = "trapped"
;;! kind = "out_of_bounds"
;;! hook = "on_start"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data (i32.const 64) "\01\00\00\00\f0\ff\ff\ff\04\00\00\00")
  (func (export "wasmhost:observer/lifecycle@0.1.0#on-start") (param $p i32) (param $n i32) (result i32)
    (i32.const 64)))
