;;! title = "A loop that asks for memory it is not given, with fuel to spare"
;;! expect = "trapped"
;;! kind = "deadline"
;;! alone = true
;;! observer = { fuel = 1_000_000_000_000_000, deadline_ms = 50 }

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (loop $again (drop (memory.grow (i32.const 2000))) (br $again))))
