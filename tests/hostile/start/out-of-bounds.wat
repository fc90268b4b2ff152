;;! title = "A start function that reaches out of its memory"
;;! expect = "refused"
;;! reason = "start function trapped: the guest reached outside"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $start
    (drop (i32.load (i32.const -1))))
  (start $start)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
