;;! title = "A hook that calls itself, through imports of ours that are in Python"
;;! expect = "trapped"
;;! kind = "stack_overflow"
;;! thread = { expect = "refused", reason = "process" }

(component
  (import "wasmhost:observer/log@0.1.0"
    (instance $log (type $cases (enum "trace" "debug" "info" "warn" "error")) (export "level" (type $level (eq $cases))) (type $f0 (func (param "level" $level) (param "message" string))) (export "write" (func (type $f0)))))
  (core module $libc
    (memory (export "memory") 8)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536)))
  (core instance $libc
    (instantiate $libc ))
  (alias core export $libc "memory"
    (core memory $memory))
  (alias core export $libc "cabi_realloc"
    (core func $realloc))
  (core func $log.write
    (canon lower (func $log "write") (memory $memory) (realloc $realloc)))
  (core module $guest
    (import "wasmhost:observer/log@0.1.0" "write" (func $log.write (param i32) (param i32) (param i32)))
    (import "libc" "memory" (memory 8))
    (import "libc" "cabi_realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (func $f (call $log.write (i32.const 1) (i32.const 0) (i32.const 9)) (call $f) (call $f))
    (func $on_webrtc_connected (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) call $f))
  (core instance $main
    (instantiate $guest (with "libc" (instance $libc)) (with "wasmhost:observer/log@0.1.0" (instance (export "write" (func $log.write))))))
  (func $on_webrtc_connected
    (param "event" (list u8))
    (canon lift (core func $main "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (memory $memory) (realloc $realloc)))
  (instance $webrtc-out
    (export "on-webrtc-connected" (func $on_webrtc_connected)))
  (export "wasmhost:observer/webrtc@0.1.0"
    (instance $webrtc-out)) )
