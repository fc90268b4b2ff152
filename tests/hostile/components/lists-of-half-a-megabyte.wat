;;! title = "Saves half a megabyte again and again: what the engine copies must cost"
;;! expect = "trapped"
;;! kind = "out_of_fuel"
;;! observer = { grant = ["state"], deadline_ms = 5000 }
;;! alone = true
;;! thread = { expect = "refused", reason = "process" }

;; As values of the engine's each byte takes 32.
(component
  (import "wasmhost:observer/state@0.1.0"
    (instance $state (type $f0 (func (param "blob" (list u8)))) (export "save" (func (type $f0)))))
  (core module $libc
    (memory (export "memory") 8)
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 65536)))
  (core instance $libc
    (instantiate $libc ))
  (alias core export $libc "memory"
    (core memory $memory))
  (alias core export $libc "cabi_realloc"
    (core func $realloc))
  (core func $state.save
    (canon lower (func $state "save") (memory $memory) (realloc $realloc)))
  (core module $guest
    (import "wasmhost:observer/state@0.1.0" "save" (func $state.save (param i32) (param i32)))
    (import "libc" "memory" (memory 8))
    (import "libc" "cabi_realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (func $on_webrtc_connected (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32) (loop $again (call $state.save (i32.const 0) (i32.const 524288)) (br $again))))
  (core instance $main
    (instantiate $guest (with "libc" (instance $libc)) (with "wasmhost:observer/state@0.1.0" (instance (export "save" (func $state.save))))))
  (func $on_webrtc_connected
    (param "event" (list u8))
    (canon lift (core func $main "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (memory $memory) (realloc $realloc)))
  (instance $webrtc-out
    (export "on-webrtc-connected" (func $on_webrtc_connected)))
  (export "wasmhost:observer/webrtc@0.1.0"
    (instance $webrtc-out)) )
