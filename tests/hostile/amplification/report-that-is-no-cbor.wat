;;! title = "Reports whose bodies are no CBOR"
;;! expect = "bounded"
;;! counts = { reports_dropped = 3, reports = [0, 0] }

(module
  (import "wasmhost:observer/report@0.1.0" "send" (func $report.send (param i32 i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data (i32.const 0) "\ff\ff\ff\ff")
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (call $report.send (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 4))))
