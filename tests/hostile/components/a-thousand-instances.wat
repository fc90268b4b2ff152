;;! title = "A thousand instances of a module"
;;! expect = "refused"
;;! reason = "instance count too high|does not compile"
;;! thread = { expect = "refused", reason = "process|instance count too high|does not compile" }

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
    (func $on_webrtc_connected (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) ))
  (core instance $main
    (instantiate $guest (with "libc" (instance $libc)) ))
  (func $on_webrtc_connected
    (param "event" (list u8))
    (canon lift (core func $main "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (memory $memory) (realloc $realloc)))
  (instance $webrtc-out
    (export "on-webrtc-connected" (func $on_webrtc_connected)))
  (export "wasmhost:observer/webrtc@0.1.0"
    (instance $webrtc-out))
  (core module $m)
  (;repeat 1000;)
  (core instance
    (instantiate $m))
  (;end;))
