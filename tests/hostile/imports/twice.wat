;;! title = "The same import twice, as every Go program has it"
;;! expect = "harmless"
;;! counts = { logs = [6, 6] }

(module
  (import "wasmhost:observer/log@0.1.0" "write" (func $one (param i32 i32 i32)))
  (import "wasmhost:observer/log@0.1.0" "write" (func $two (param i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $one (i32.const 2) (i32.const 0) (i32.const 1))
    (call $two (i32.const 2) (i32.const 0) (i32.const 1))))
