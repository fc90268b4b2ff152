;;! title = "A start function that aborts"
;;! expect = "refused"
;;! reason = "start function trapped: the guest gave up"

;; One bad module must not keep the others from starting (kubewarden/policy-server#374).
(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $start
    (unreachable))
  (start $start)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
