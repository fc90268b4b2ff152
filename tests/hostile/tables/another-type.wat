;;! title = "Calls a function as one of another type"
;;! expect = "trapped"
;;! kind = "out_of_bounds"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (table 1 funcref)
  (elem (i32.const 0) $f)
  (func $f)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (drop (call_indirect (param i64 i64) (result i64) (i64.const 1) (i64.const 2) (i32.const 0)))))
