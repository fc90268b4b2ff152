;;! title = "A log line outside its memory"
;;! expect = "trapped"
;;! kind = "out_of_bounds"

(module
  (import "wasmhost:observer/log@0.1.0" "write" (func $log.write (param i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $log.write (i32.const 2) (i32.const -8) (i32.const 20))))
