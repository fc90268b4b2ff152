;; spinner: an observer that never returns from on-websocket-connecting.
;;
;; It is here to show what an endless loop costs its neighbours (nothing): the delivery ends when its fuel
;; or its time does, the line it wrote before is in the log, and the backtrace names $spin_forever.
(module $spinner
  (import "wasmhost:observer/log@0.1.0" "write" (func $log_write (param i32 i32 i32)))

  (memory (export "memory") 1)
  (data (i32.const 0) "about to spin, as always")

  ;; Every event goes to the same place: it is not read, and there is only one at a time. An event that
  ;; does not fit into the page makes the copy into it trap, which is what this observer is for anyway.
  (func $cabi_realloc (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (i32.const 0x100))

  (func $spin_forever
    (loop $again (br $again)))

  (func $on_websocket_connecting
    (export "wasmhost:observer/websocket@0.1.0#on-websocket-connecting") (param i32 i32)
    ;; 3 is `warn` of log's enum level.
    (call $log_write (i32.const 3) (i32.const 0) (i32.const 24))
    (call $spin_forever))
)
