;;! title = "An allocator that takes one number"
;;! expect = "refused"
;;! reason = 'cabi_realloc as \(i32\)'

(module
  (memory (export "memory") 3)
  (func (export "cabi_realloc") (param i32) (result i32) (i32.const 0))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
