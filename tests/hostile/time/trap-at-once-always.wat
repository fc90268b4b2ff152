;;! title = "Traps at each of a hundred events"
;;! expect = "trapped"
;;! kind = "unreachable"
;;! events = 100
;;! alone = true

;; Elsewhere the instance was kept: 69,101 traps in the log and a SIGSEGV (zellij#5374).
(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (unreachable)))
