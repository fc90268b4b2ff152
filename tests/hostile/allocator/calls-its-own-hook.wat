;;! title = "Calls its hook from its allocator: its own memory, its own fuel"
;;! expect = "harmless"

(module
  (memory (export "memory") 3)
  (func $realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (call $hook (i32.const 0) (i32.const 4294967295))
    (i32.const 131072))
  (func $hook (param i32 i32))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
