;;! title = "Has a hook and no allocator"
;;! expect = "refused"
;;! reason = "exports no cabi_realloc"

(module
  (memory (export "memory") 3)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
