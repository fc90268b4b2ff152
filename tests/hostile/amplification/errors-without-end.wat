;;! title = "A hook that returns an error at every event"
;;! expect = "bounded"
;;! counts = {  }
;;! events = 200
;;! alone = true
;;! hook = "on_start"

;; Each was a line of the host's log.
(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data (i32.const 64) "\01\00\00\00\80\00\00\00\00\10\00\00")
  (func (export "wasmhost:observer/lifecycle@0.1.0#on-start") (param $p i32) (param $n i32) (result i32)
    (i32.const 64)))
