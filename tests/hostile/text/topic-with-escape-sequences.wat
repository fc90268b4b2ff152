;;! title = "A report whose topic and body are full of control characters"
;;! expect = "harmless"
;;! counts = { reports = [3, 3] }

(module
  (import "wasmhost:observer/report@0.1.0" "send" (func $report.send (param i32 i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data (i32.const 0) "\1b[2J\0a\0d\e2\80\ae\00\ff\"\\,{}")
  (data (i32.const 64) "\68\1b[2J\0a\c2\9b\07")
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $report.send (i32.const 0) (i32.const 20) (i32.const 64) (i32.const 9))))
