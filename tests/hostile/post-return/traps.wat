;;! title = "A post-return that aborts, after the hook went well"
;;! expect = "trapped"
;;! kind = "unreachable"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $post (export "cabi_post_wasmhost:observer/webrtc@0.1.0#on-webrtc-connected")
    (unreachable))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
