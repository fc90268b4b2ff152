;;! title = "Last words that clear the screen and forge a verdict"
;;! expect = "trapped"
;;! kind = "unreachable"
;;! reason = '\\x1b\[2J\\r\\nobserver'

(module
  (import "wasmhost:observer/panic@0.1.0" "report" (func $panic.report (param i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data (i32.const 0) "\1b[2J\0d\0aobserver neighbour refused: it is broken \e2\80\ae\00\00\00")
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $panic.report (i32.const 0) (i32.const 60))
    (unreachable)))
