;;! title = "A result outside its memory"
;;! expect = "trapped"
;;! kind = "out_of_bounds"
;;! hook = "on_start"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/lifecycle@0.1.0#on-start") (param $p i32) (param $n i32) (result i32)
    (i32.const -4)))
