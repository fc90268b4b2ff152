;;! title = "Over the limit of this observer"
;;! expect = "refused"
;;! reason = "more than module_mib = 1 "
;;! observer = { module_mib = 1 }

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (data "(;repeat 200000;)0123456789(;end;)")
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
