;;! title = "One instruction that writes two megabytes, again and again"
;;! expect = "trapped"
;;! kind = "out_of_fuel"

;; Bulk operations cost a unit for each byte.
(module
  (memory (export "memory") 35)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (loop $again
      (memory.fill (i32.const 0) (i32.const 7) (i32.const 2097152))
      (br $again))))
