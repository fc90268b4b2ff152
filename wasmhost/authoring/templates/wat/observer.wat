;; {{name}}: tells of each WebRTC connection to a peer, and counts those that go through a relay.
;;
;; These are the fields of a module; `wasmhost build` adds those of sdk/ that are used here.

(func $on-webrtc-connected
  (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $at i32) (param $size i32)
  (local $peer i32) (local $relayed i32)
  (call $begin (local.get $at) (local.get $size) (text "on-webrtc-connected"))
  (local.set $peer (call $read.get (global.get $event) (text "peer")))
  (local.set $relayed (call $is-relayed))

  (call $log (local.get $peer))
  (if (local.get $relayed)
    (then (call $metrics.counter-add (text "relayed") (i64.const 1))))
  (call $report (local.get $peer) (local.get $relayed))
  (call $end))

;; A node need not say whether a connection is relayed.
(func $is-relayed (result i32)
  (local $relayed i32)
  (local.set $relayed (call $read.find (global.get $event) (text "relayed")))
  (if (i32.eqz (local.get $relayed)) (then (return (i32.const 0))))
  (call $read.bool (local.get $relayed)))

(func $log (param $peer i32)
  (local $type i32)
  (local.set $type (call $read.get (local.get $peer) (text "type")))
  (call $write.begin)
  (call $write.raw (text "connected to "))
  (call $write.raw (call $read.text (call $read.get (local.get $type) (text "name"))))
  (call $log.write (global.get $log.info) (call $write.end)))

(func $report (param $peer i32) (param $relayed i32)
  (call $write.begin)
  (call $write.map (i32.const 2))
  (call $write.text (text "peer"))
  (call $write.uint
    (call $read.uint (call $read.get (local.get $peer) (text "serial-number"))))
  (call $write.text (text "relayed"))
  (call $write.bool (local.get $relayed))
  (call $report.send (text "connected") (call $write.end)))
