;;! title = "A hook that is async"
;;! expect = "refused"
;;! reason = "does not compile|must be|exports no hook"
;;! thread = { expect = "refused", reason = "process|does not compile|must be|exports no hook" }

(component
  (core module $m
    (memory (export "memory") 1)
    (func (export "f") (param i32 i32) (result i32) (i32.const 0))
    (func (export "cb") (param i32 i32 i32) (result i32) (i32.const 0))
    (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 8)))
  (core instance $i
    (instantiate $m))
  (func $h async
    (param "event" (list u8))
    (canon lift (core func $i "f") async (callback (core func $i "cb")) (memory (core memory $i "memory")) (realloc (core func $i "r"))))
  (instance $o
    (export "on-webrtc-connected" (func $h)))
  (export "wasmhost:observer/webrtc@0.1.0"
    (instance $o)))
