;;! title = "Three hundred thousand functions that do nothing"
;;! expect = "refused"
;;! reason = "more than|compil"
;;! alone = true

;; Took 15 s and 1.7 GiB, and could not be interrupted.
(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (;repeat 300000;)(func)
  (;end;)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
