;;! title = "Recursion that no compiler sees"
;;! expect = "trapped"
;;! kind = "stack_overflow"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (type $f (func))
  (table 1 funcref)
  (elem (i32.const 0) $deeper)
  (func $deeper
    (call_indirect (type $f) (i32.const 0))
    (call_indirect (type $f) (i32.const 0)))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call_indirect (type $f) (i32.const 0))))
