;;! title = "A loop of operators that cost no fuel"
;;! expect = "trapped"
;;! kind = "out_of_fuel"

;; nop, block, loop, end and drop are free; what carries the loop on is not.
(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (loop $again
      (;repeat 5000;)(block (nop) (drop (i32.const 0)))
      (;end;)
      (br $again))))
