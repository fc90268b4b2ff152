;; The host's state, the bytes to save a text.
(import "wasmhost:observer/state@0.1.0" (instance $host-state
  (export "load" (func (result (option (list u8)))))
  (export "save" (func (param "blob" (list u8))))))
(core func $save (canon lower (func $host-state "save") (memory $memory)))
(core module $state-module
  (import "room" "narrow" (func $narrow (param i32 i32) (result i32)))
  (import "room" "leave" (func $leave))
  (import "host" "save" (func $save (param i32 i32)))
  (func (export "save") (param $blob i32) (param $size i32)
    (call $save (local.get $blob) (call $narrow (local.get $blob) (local.get $size)))
    (call $leave)))
(core instance $state-core (instantiate $state-module
  (with "room" (instance $room))
  (with "host" (instance (export "save" (func $save))))))
(func $save-text (param "blob" string)
  (canon lift (core func $state-core "save") (memory $memory) (realloc $realloc)))
(instance $state
  (export "load" (func $host-state "load"))
  (export "save" (func $save-text)))
