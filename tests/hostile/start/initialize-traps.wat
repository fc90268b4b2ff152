;;! title = "An initialisation that aborts, with escape sequences for last words"
;;! expect = "refused"
;;! reason = '_initialize trapped \(unreachable\): \\x1b'

(module
  (import "wasmhost:observer/panic@0.1.0" "report" (func $panic.report (param i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data (i32.const 0) "\1b[2J\0a")
  (func (export "_initialize")
    (call $panic.report (i32.const 0) (i32.const 5))
    (unreachable))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
