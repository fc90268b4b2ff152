;; The probe of ../README.md in WebAssembly text.

;; ---- the hooks ---------------------------------------------------------------------------------

(func $on-start (export "wasmhost:observer/lifecycle@0.1.0#on-start")
  (param $at i32) (param $size i32) (result i32)
  (local $words i32) (local $words_size i32)
  (call $config.get (text "panic"))
  (local.set $words_size)
  (local.set $words)
  (if (local.get $words)
    (then (call $panic (local.get $words) (local.get $words_size))))
  (call $seen (local.get $at) (local.get $size) (text "on-start"))
  (call $nothing)
  (call $ok))

(func $on-ready (export "wasmhost:observer/lifecycle@0.1.0#on-ready")
  (param $at i32) (param $size i32) (result i32)
  (call $begin (local.get $at) (local.get $size) (text "on-ready"))
  (call $use-capabilities)
  (call $ok))

(func $on-stop (export "wasmhost:observer/lifecycle@0.1.0#on-stop")
  (param $at i32) (param $size i32) (result i32)
  (local $words i32) (local $words_size i32)
  (call $seen (local.get $at) (local.get $size) (text "on-stop"))
  (call $nothing)
  (call $config.get (text "error"))
  (local.set $words_size)
  (local.set $words)
  (if (local.get $words)
    (then (return (call $failed (local.get $words) (local.get $words_size)))))
  (call $ok))

(func $on-error (export "wasmhost:observer/lifecycle@0.1.0#on-error")
  (param $at i32) (param $size i32) (result i32)
  (call $seen (local.get $at) (local.get $size) (text "on-error"))
  (call $error)
  (call $ok))

(func $on-signaling-connecting (export "wasmhost:observer/signaling@0.1.0#on-signaling-connecting")
  (param $at i32) (param $size i32)
  (call $seen.early (local.get $at) (local.get $size) (text "on-signaling-connecting"))
  (call $signaling)
  (call $end))

(func $on-signaling-connected (export "wasmhost:observer/signaling@0.1.0#on-signaling-connected")
  (param $at i32) (param $size i32)
  (call $seen.early (local.get $at) (local.get $size) (text "on-signaling-connected"))
  (call $nothing)
  (call $end))

(func $on-signaling-disconnected (export "wasmhost:observer/signaling@0.1.0#on-signaling-disconnected")
  (param $at i32) (param $size i32)
  (call $seen (local.get $at) (local.get $size) (text "on-signaling-disconnected"))
  (call $nothing)
  (call $end))

(func $on-websocket-connecting (export "wasmhost:observer/websocket@0.1.0#on-websocket-connecting")
  (param $at i32) (param $size i32)
  (call $seen (local.get $at) (local.get $size) (text "on-websocket-connecting"))
  (call $peer)
  (call $end))

(func $on-websocket-connected (export "wasmhost:observer/websocket@0.1.0#on-websocket-connected")
  (param $at i32) (param $size i32)
  (call $seen (local.get $at) (local.get $size) (text "on-websocket-connected"))
  (call $peer)
  (call $end))

(func $on-websocket-disconnected (export "wasmhost:observer/websocket@0.1.0#on-websocket-disconnected")
  (param $at i32) (param $size i32)
  (call $seen (local.get $at) (local.get $size) (text "on-websocket-disconnected"))
  (call $peer)
  (call $end))

(func $on-webrtc-connecting (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connecting")
  (param $at i32) (param $size i32)
  (call $seen (local.get $at) (local.get $size) (text "on-webrtc-connecting"))
  (call $peer)
  (call $end))

(func $on-webrtc-connected (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected")
  (param $at i32) (param $size i32)
  (call $seen (local.get $at) (local.get $size) (text "on-webrtc-connected"))
  (call $peer)
  (call $end))

(func $on-webrtc-disconnected (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-disconnected")
  (param $at i32) (param $size i32)
  (call $seen (local.get $at) (local.get $size) (text "on-webrtc-disconnected"))
  (call $peer)
  (call $end))

(func $on-credential-renewed (export "wasmhost:observer/credential@0.1.0#on-credential-renewed")
  (param $at i32) (param $size i32)
  (call $seen (local.get $at) (local.get $size) (text "on-credential-renewed"))
  (call $credential)
  (call $end))

(func $on-credential-expiring (export "wasmhost:observer/credential@0.1.0#on-credential-expiring")
  (param $at i32) (param $size i32)
  (call $seen (local.get $at) (local.get $size) (text "on-credential-expiring"))
  (call $credential)
  (call $end))

(func $on-mailbox-backpressure (export "wasmhost:observer/mailbox@0.1.0#on-mailbox-backpressure")
  (param $at i32) (param $size i32)
  (call $seen (local.get $at) (local.get $size) (text "on-mailbox-backpressure"))
  (call $backpressure)
  (call $end))

;; ---- what was seen: first who observed it, then the payload, which sends the report ------------

(func $seen (param $at i32) (param $size i32) (param $hook i32) (param $hook_size i32)
  (call $seen.early (local.get $at) (local.get $size) (local.get $hook) (local.get $hook_size))
  (if (i32.eqz (global.get $ctx)) (then (call $broken))))

(func $seen.early (param $at i32) (param $size i32) (param $hook i32) (param $hook_size i32)
  (local $mode i32)
  (call $begin.early (local.get $at) (local.get $size) (local.get $hook) (local.get $hook_size))
  (call $config.get (text "mode"))
  (local.set $mode (; its size ;))
  (local.set $mode)
  (if (local.get $mode) (then (call $use-capabilities)))
  (call $write.begin)
  (call $write.map
    (i32.add (i32.const 1)
      (i32.add
        (i32.ne (global.get $ctx) (i32.const 0))
        (i32.ne (global.get $src) (i32.const 0)))))
  (if (global.get $ctx) (then (call $context)))
  (if (global.get $src)
    (then
      (call $write.text (text "src"))
      (call $write.text (call $delivery.source))))
  (call $write.text (text "event")))

(func $context
  (local $caller i32)
  (local.set $caller (call $read.find (global.get $ctx) (text "caller-id")))
  (call $write.text (text "ctx"))
  (call $write.map (i32.add (i32.const 2) (i32.ne (local.get $caller) (i32.const 0))))
  (call $write.text (text "self-id"))
  (call $id (call $read.get (global.get $ctx) (text "self-id")))
  (if (local.get $caller)
    (then
      (call $write.text (text "caller-id"))
      (call $id (local.get $caller))))
  (call $copy-text (global.get $ctx) (text "request-id")))

(func $id (param $id i32)
  (local $type i32) (local $realm i32)
  (local.set $type (call $read.get (local.get $id) (text "type")))
  (local.set $realm (call $read.get (local.get $id) (text "realm")))
  (call $write.map (i32.const 3))
  (call $write.text (text "type"))
  (call $write.map (i32.const 3))
  (call $copy-text (local.get $type) (text "name"))
  (call $copy-text (local.get $type) (text "version"))
  (call $copy-text (local.get $type) (text "manufacturer"))
  (call $write.text (text "realm"))
  (call $write.map (i32.const 1))
  (call $copy-u32 (local.get $realm) (text "realm-id"))
  (call $copy-uint (local.get $id) (text "serial-number")))

(func $send
  (call $report.send (text "seen") (call $write.end)))

(func $nothing
  (call $write.map (i32.const 0))
  (call $send))

(func $signaling
  (local $attempt i32)
  (local.set $attempt (call $read.find (global.get $event) (text "attempt")))
  (call $write.map (i32.ne (local.get $attempt) (i32.const 0)))
  (if (local.get $attempt) (then (call $copy-u32 (global.get $event) (text "attempt"))))
  (call $send))

(func $peer
  (local $status i32) (local $relayed i32)
  (local.set $status (call $read.find (global.get $event) (text "status")))
  (local.set $relayed (call $read.find (global.get $event) (text "relayed")))
  (call $write.map
    (i32.add (i32.const 1)
      (i32.add
        (i32.ne (local.get $status) (i32.const 0))
        (i32.ne (local.get $relayed) (i32.const 0)))))
  (call $write.text (text "peer"))
  (call $id (call $read.get (global.get $event) (text "peer")))
  (if (local.get $status)
    (then
      (drop
        (call $read.one-of (local.get $status) (text "idle connecting connected recovering")))
      (call $copy-text (global.get $event) (text "status"))))
  (if (local.get $relayed)
    (then
      (call $write.text (text "relayed"))
      (call $write.bool (call $read.bool (local.get $relayed)))))
  (call $send))

(func $credential
  (call $write.map (i32.const 1))
  (call $copy-uint (global.get $event) (text "new-expiry"))
  (call $send))

(func $backpressure
  (call $write.map (i32.const 2))
  (call $copy-uint (global.get $event) (text "queue-len"))
  (call $copy-uint (global.get $event) (text "threshold"))
  (call $send))

(func $error
  (local $source i32) (local $stream i32)
  (local.set $source (call $read.get (global.get $event) (text "source")))
  (local.set $stream (call $read.find (global.get $event) (text "stream")))
  (call $write.map (i32.add (i32.const 4) (i32.ne (local.get $stream) (i32.const 0))))
  (call $copy-uint (global.get $event) (text "at"))
  (call $write.text (text "source"))
  (call $write.map (i32.const 2))
  (call $copy-text (local.get $source) (text "kind"))
  (call $copy-text (local.get $source) (text "message"))
  (if (local.get $stream)
    (then
      (call $write.text (text "stream"))
      (call $write.map (i32.const 3))
      (call $copy-text (local.get $stream) (text "reason"))
      (call $copy-text (local.get $stream) (text "stream-id"))
      (call $copy-uint (local.get $stream) (text "session-id"))))
  (call $copy-text (global.get $event) (text "context"))
  (drop
    (call $read.one-of (call $read.get (global.get $event) (text "category"))
      (text "handler-panic handler-error signaling-failure transport-failure data-stream-delivery-uncertain")))
  (call $copy-text (global.get $event) (text "category"))
  (call $send))

;; ---- from the event to the report: a key, and its value, which must be there --------------------

(func $copy-text (param $map i32) (param $key i32) (param $size i32)
  (call $write.text (local.get $key) (local.get $size))
  (call $write.text
    (call $read.text (call $read.get (local.get $map) (local.get $key) (local.get $size)))))

(func $copy-uint (param $map i32) (param $key i32) (param $size i32)
  (call $write.text (local.get $key) (local.get $size))
  (call $write.uint
    (call $read.uint (call $read.get (local.get $map) (local.get $key) (local.get $size)))))

(func $copy-u32 (param $map i32) (param $key i32) (param $size i32)
  (call $write.text (local.get $key) (local.get $size))
  (call $write.uint
    (i64.extend_i32_u
      (call $read.u32 (call $read.get (local.get $map) (local.get $key) (local.get $size))))))

;; ---- the capabilities --------------------------------------------------------------------------

(func $use-capabilities
  (call $log.write (global.get $log.trace) (text "trace"))
  (call $log.write (global.get $log.debug) (text "debug"))
  (call $log.write (global.get $log.info) (text "info"))
  (call $log.write (global.get $log.warn) (text "warn"))
  (call $log.write (global.get $log.error) (text "error ✓"))
  (call $metrics.counter-add (text "ready") (i64.const -1))
  (call $metrics.gauge-set (text "half") (f64.const 0.5))
  (call $use-state)
  (call $report-delivery)
  (call $report-config)
  (call $obey (call $config.get (text "mode"))))

;; Goes wrong as the operator says.
(func $obey (param $mode i32) (param $size i32)
  (if (i32.eqz (local.get $mode)) (then (return)))
  (if (call $same (local.get $mode) (local.get $size) (text "panic"))
    (then (call $panic (text "as told"))))
  (if (call $same (local.get $mode) (local.get $size) (text "loop"))
    (then (loop $for-ever (br $for-ever))))
  (if (call $same (local.get $mode) (local.get $size) (text "grow"))
    (then
      (loop $more
        (drop (call $cabi_realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0x10000)))
        (br $more)))))

(func $use-state
  (local $blob i32) (local $size i32)
  (call $state.load)
  (local.set $size)
  (local.set $blob)
  (call $write.begin)
  (if (local.get $blob)
    (then
      (call $write.raw (local.get $blob) (local.get $size))
      (call $write.raw (text "!")))
    (else (call $write.raw (text "?"))))
  (call $state.save (call $write.end)))

(func $report-delivery
  (call $write.begin)
  (call $write.map (i32.const 5))
  (call $write.text (text "now"))
  (call $write.uint (call $delivery.now))
  (call $write.text (text "lost"))
  (call $write.uint (call $delivery.lost))
  (call $write.text (text "random"))
  (call $write.uint (call $delivery.random))
  (call $write.text (text "source"))
  (call $write.text (call $delivery.source))
  (call $write.text (text "sequence"))
  (call $write.uint (call $delivery.sequence))
  (call $report.send (text "delivery") (call $write.end)))

(func $report-config
  (call $write.begin)
  (call $write.map (i32.const 2))
  (call $write.text (text "value"))
  (call $write.text (call $config.get (text "value")))
  (call $write.text (text "number"))
  (call $write.uint (call $config.u64 (text "number") (i64.const 7)))
  (call $report.send (text "config") (call $write.end)))
