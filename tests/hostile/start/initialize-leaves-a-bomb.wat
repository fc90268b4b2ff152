;;! title = "An initialisation that goes well and leaves memory full for the first event"
;;! expect = "trapped"
;;! kind = "out_of_bounds"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "_initialize")
    (drop (memory.grow (i32.const 1021))))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (drop (i32.load (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 3))))))
