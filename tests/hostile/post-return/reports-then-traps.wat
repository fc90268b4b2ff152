;;! title = "A post-return that aborts: the hook's report must not count"
;;! expect = "trapped"
;;! kind = "unreachable"
;;! counts = { reports = [0, 0] }

(module
  (import "wasmhost:observer/report@0.1.0" "send" (func $report.send (param i32 i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $post (export "cabi_post_wasmhost:observer/webrtc@0.1.0#on-webrtc-connected")
    (unreachable))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $report.send (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1))))
