;;! title = "Waits for a number to change, on an engine without threads"
;;! expect = "refused"
;;! reason = "does not compile"

;; Where threads are on, that slept three seconds past fuel and deadline.
(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1)))))
