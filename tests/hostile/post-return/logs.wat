;;! title = "A post-return that calls an import"
;;! expect = "trapped"
;;! kind = "other"
;;! reason = "cabi_realloc or a post-return"

(module
  (import "wasmhost:observer/log@0.1.0" "write" (func $log.write (param i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $post (export "cabi_post_wasmhost:observer/webrtc@0.1.0#on-webrtc-connected")
    (call $log.write (i32.const 2) (i32.const 0) (i32.const 1)))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
