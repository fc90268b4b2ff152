;;! title = "A component as decent compilers make them"
;;! expect = "harmless"
;;! thread = { expect = "refused", reason = "process" }

(component
  (import "wasmhost:observer/report@0.1.0"
    (instance $report (type $f0 (func (param "topic" string) (param "body" (list u8)))) (export "send" (func (type $f0)))))
  (core module $libc
    (memory (export "memory") 8)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536)))
  (core instance $libc
    (instantiate $libc ))
  (alias core export $libc "memory"
    (core memory $memory))
  (alias core export $libc "cabi_realloc"
    (core func $realloc))
  (core func $report.send
    (canon lower (func $report "send") (memory $memory) (realloc $realloc)))
  (core module $guest
    (import "wasmhost:observer/report@0.1.0" "send" (func $report.send (param i32) (param i32) (param i32) (param i32)))
    (import "libc" "memory" (memory 8))
    (import "libc" "cabi_realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (func $on_webrtc_connected (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (call $report.send (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 1))))
  (core instance $main
    (instantiate $guest (with "libc" (instance $libc)) (with "wasmhost:observer/report@0.1.0" (instance (export "send" (func $report.send))))))
  (func $on_webrtc_connected
    (param "event" (list u8))
    (canon lift (core func $main "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (memory $memory) (realloc $realloc)))
  (instance $webrtc-out
    (export "on-webrtc-connected" (func $on_webrtc_connected)))
  (export "wasmhost:observer/webrtc@0.1.0"
    (instance $webrtc-out)) )
