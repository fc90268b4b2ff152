;;! title = "Calls an import two hundred times in each turn of an endless loop, with fuel to spare"
;;! expect = "trapped"
;;! kind = "deadline"
;;! observer = { fuel = 1_000_000_000_000_000, deadline_ms = 100 }
;;! alone = true
;;! thread = { expect = "refused", reason = "process" }

(component
  (import "wasmhost:observer/delivery@0.1.0"
    (instance $delivery (type $f0 (func (result u64))) (export "now" (func (type $f0)))))
  (core module $libc
    (memory (export "memory") 8)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536)))
  (core instance $libc
    (instantiate $libc ))
  (alias core export $libc "memory"
    (core memory $memory))
  (alias core export $libc "cabi_realloc"
    (core func $realloc))
  (core func $delivery.now
    (canon lower (func $delivery "now") (memory $memory) (realloc $realloc)))
  (core module $guest
    (import "wasmhost:observer/delivery@0.1.0" "now" (func $delivery.now (result i64)))
    (import "libc" "memory" (memory 8))
    (import "libc" "cabi_realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (func $on_webrtc_connected (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (loop $again (;repeat 200;)(drop (call $delivery.now)) (;end;) (br $again))))
  (core instance $main
    (instantiate $guest (with "libc" (instance $libc)) (with "wasmhost:observer/delivery@0.1.0" (instance (export "now" (func $delivery.now))))))
  (func $on_webrtc_connected
    (param "event" (list u8))
    (canon lift (core func $main "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (memory $memory) (realloc $realloc)))
  (instance $webrtc-out
    (export "on-webrtc-connected" (func $on_webrtc_connected)))
  (export "wasmhost:observer/webrtc@0.1.0"
    (instance $webrtc-out)) )
