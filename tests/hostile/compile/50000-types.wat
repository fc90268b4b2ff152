;;! title = "Fifty thousand types"
;;! expect = "refused"
;;! reason = "more than|compil"
;;! alone = true

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (;repeat 50000;)(type (func (param i32 i64) (result f64)))
  (;end;)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
