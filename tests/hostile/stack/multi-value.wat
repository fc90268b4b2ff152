;;! title = "Functions with a thousand results"
;;! expect = "trapped"
;;! kind = "stack_overflow"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $deeper (result (;repeat 1000;)i32 (;end;))
    (call $deeper)
    (call $deeper)
    (;repeat 1000;)(drop) (;end;))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $deeper)
    (;repeat 1000;)(drop) (;end;)))
