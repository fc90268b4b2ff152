;;! title = "Structures on a heap of the engine's"
;;! expect = "refused"
;;! reason = "does not compile"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (type $s (struct (field i32)))
  (func (drop (struct.new $s (i32.const 1))))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
