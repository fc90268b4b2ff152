;;! title = "A report of 60 KiB of zero bytes as text, six characters of JSON each"
;;! expect = "bounded"
;;! counts = {  }
;;! events = 30
;;! alone = true

(module
  (import "wasmhost:observer/report@0.1.0" "send" (func $report.send (param i32 i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (i32.store8 (i32.const 0) (i32.const 0x79))
    (i32.store16 (i32.const 1) (i32.const 0x60ea))
    (call $report.send (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 60003))))
