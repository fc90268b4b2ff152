;;! title = "A hook that never returns, with more fuel than time"
;;! expect = "trapped"
;;! kind = "deadline"
;;! alone = true
;;! observer = { fuel = 1_000_000_000_000_000, deadline_ms = 50 }

;; Fuel is not time. Elsewhere the epoch was armed and nothing ever moved it (Kubewarden's adm-
;; controller#1982), or the only timeout was outside of the loop (spin#3610).
(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (loop $again (br $again))))
