;;! title = "Functions in which thousands of values are alive at once"
;;! expect = "refused"
;;! reason = "more than|compil"
;;! alone = true
;;! observer = { compile_s = 2, compile_mib = 1024 }

;; What a compiler's allocation of registers takes grows faster than the code does.
(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (;repeat 120;)(func (param $x i64) (result i64) (local (;repeat 2000;)i64 (;end;))
    (;repeat 2000;)(local.set $j (i64.mul (local.get $x) (i64.const $j)))
    (;end;)
    (loop $again
      (;repeat 2000;)(local.set $j (i64.add (local.get $j) (local.get 0)))
      (;end;)
      (br_if $again (i64.ne (local.get 7) (local.get 1999))))
    (local.get 1000))
  (;end;)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
