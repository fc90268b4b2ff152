;;! title = "A report that refers to the same string ten thousand times"
;;! expect = "bounded"
;;! counts = { reports_dropped = 3, reports = [0, 0] }

;; String references make gigabytes of kilobytes where a decoder follows them.
(module
  (import "wasmhost:observer/report@0.1.0" "send" (func $report.send (param i32 i32 i32 i32)))
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data (i32.const 64) "\d9\01\00\99\27\10\78\b0")
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (local $k i32)
    (memory.fill (i32.const 256) (i32.const 0x78) (i32.const 255))
    (i64.store (i32.const 240) (i64.const 0x7801d9))
    (loop $fill
      (i32.store (i32.add (i32.const 600) (i32.mul (local.get $k) (i32.const 3))) (i32.const 0x0019d8))
      (local.set $k (i32.add (local.get $k) (i32.const 1)))
      (br_if $fill (i32.lt_u (local.get $k) (i32.const 10000))))
    (call $report.send (i32.const 0) (i32.const 0) (i32.const 64) (i32.const 30600))))
