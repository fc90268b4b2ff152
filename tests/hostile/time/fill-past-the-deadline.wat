;;! title = "The same with fuel to spare: bulk operations must not outrun the deadline"
;;! expect = "trapped"
;;! kind = "deadline"
;;! alone = true
;;! observer = { fuel = 1_000_000_000_000_000, deadline_ms = 50 }

;; Of wasmtime lines older than 49 that was an advisory: GHSA-2hw9-mc66-jc2q.
(module
  (memory (export "memory") 1000)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (loop $again
      (memory.fill (i32.const 0) (i32.const 7) (i32.const 60000000))
      (br $again))))
