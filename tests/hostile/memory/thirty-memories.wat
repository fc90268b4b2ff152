;;! title = "Thirty memories of 64 MiB each"
;;! expect = "refused"
;;! reason = "does not instantiate"

;; 1.9 GiB under a limit of 64 MiB, where only each memory is limited.
(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (;repeat 29;)(memory 1024)
  (;end;)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
