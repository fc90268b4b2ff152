;;! title = "A result that is neither ok nor error"
;;! expect = "trapped"
;;! kind = "other"
;;! reason = "discriminant"
;;! hook = "on_start"
;;! thread = { expect = "refused", reason = "process" }

(component
  (core module $libc
    (memory (export "memory") 8)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536)))
  (core instance $libc
    (instantiate $libc ))
  (alias core export $libc "memory"
    (core memory $memory))
  (alias core export $libc "cabi_realloc"
    (core func $realloc))
  (core module $guest
    (import "libc" "memory" (memory 8))
    (import "libc" "cabi_realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (data (i32.const 256) "\02")
    (func $on_start (export "wasmhost:observer/lifecycle@0.1.0#on-start") (param $p i32) (param $n i32) (result i32) (i32.const 256)))
  (core instance $main
    (instantiate $guest (with "libc" (instance $libc)) ))
  (func $on_start
    (param "event" (list u8))
    (result (result (error string)))
    (canon lift (core func $main "wasmhost:observer/lifecycle@0.1.0#on-start") (memory $memory) (realloc $realloc)))
  (instance $lifecycle-out
    (export "on-start" (func $on_start)))
  (export "wasmhost:observer/lifecycle@0.1.0"
    (instance $lifecycle-out)) )
