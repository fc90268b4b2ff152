;;! title = "A thousand calls with a thousand arguments each, which is much and yet within bounds"
;;! expect = "harmless"
;;! alone = true

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $f (param (;repeat 1000;)i64 (;end;)))
  (;repeat 100;)(func (;repeat 10;)(call $f (;repeat 1000;)(i64.const 7) (;end;)) (;end;))
  (;end;)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
