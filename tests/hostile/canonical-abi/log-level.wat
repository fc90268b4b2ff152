;;! title = "A level of logging that there is not"
;;! expect = "trapped"
;;! kind = "other"

(module
  (import "wasmhost:observer/log@0.1.0" "write" (func $log.write (param i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $log.write (i32.const 5) (i32.const 0) (i32.const 0))))
