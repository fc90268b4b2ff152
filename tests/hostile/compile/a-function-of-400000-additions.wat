;;! title = "One function that is a million operators long"
;;! expect = "refused"
;;! reason = "more than|compil"
;;! alone = true
;;! observer = { compile_s = 2, compile_mib = 1024 }

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (param $x i64) (result i64)
    (local.get $x)
    (;repeat 400000;)(i64.const $i) (i64.add)
    (;end;))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
