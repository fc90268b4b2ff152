;;! title = "A start function that takes all the memory there is"
;;! expect = "harmless"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func $start
    (loop $again (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))))
  (start $start)
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
