;;! title = "A jump table of 60,000 ways, in each of a hundred functions"
;;! expect = "refused"
;;! reason = "more than|compil"
;;! alone = true
;;! observer = { compile_s = 2, compile_mib = 1024 }

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (;repeat 100;)(func (param i32) (block $a (block $b
    (br_table (;repeat 30000;)$a $b (;end;) $a (local.get 0)))))
  (;end;)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
