;; The host's report, its bytes a text.
(import "wasmhost:observer/report@0.1.0" (instance $host-report
  (export "send" (func (param "topic" string) (param "body" (list u8))))))
(core func $send (canon lower (func $host-report "send") (memory $memory)))
(core module $report-module
  (import "room" "narrow" (func $narrow (param i32 i32) (result i32)))
  (import "room" "leave" (func $leave))
  (import "host" "send" (func $send (param i32 i32 i32 i32)))
  (func (export "send") (param $topic i32) (param $topic-size i32) (param $body i32) (param $size i32)
    (call $send
      (local.get $topic)
      (local.get $topic-size)
      (local.get $body)
      (call $narrow (local.get $body) (local.get $size)))
    (call $leave)))
(core instance $report-core (instantiate $report-module
  (with "room" (instance $room))
  (with "host" (instance (export "send" (func $send))))))
(func $send-text (param "topic" string) (param "body" string)
  (canon lift (core func $report-core "send") (memory $memory) (realloc $realloc)))
(instance $report (export "send" (func $send-text)))
