;;! title = "The same with a table"
;;! expect = "trapped"
;;! kind = "deadline"
;;! alone = true
;;! observer = { fuel = 1_000_000_000_000_000, deadline_ms = 50 }

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (table 9000 funcref)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (loop $again
      (table.fill (i32.const 0) (ref.null func) (i32.const 9000))
      (br $again))))
