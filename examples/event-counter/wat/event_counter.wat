;; event-counter: counts events per hook, keeps the counts in the operator's state, and reports them every
;; so many events. See ../README.md for its configuration and its report.
;;
;; It is written by hand, without an SDK, to show the whole contract between a guest and the host on one
;; page. It never reads an event: which hook is called is all it wants to know.
;;
;; Memory, one page to start with:
;;
;;   0x000  return area of imports: option<…> as {is-some: u8 at 0, pointer: i32 at 4, size: i32 at 8}
;;   0x010  what the lifecycle hooks return: result<_, string>, all zeros, which is `ok`
;;   0x020  texts
;;   0x100  the hooks' names, 32 bytes each: size, then text
;;   0x300  the counts, 16 numbers of 8 bytes, in the order of the names; this is also the state blob
;;   0x400  the report being written; it takes at most 16 * (1 + 1 + 25 + 9) + 40 bytes
;;   0x800  the stack of what the host hands us, emptied after every hook
(module $event_counter
  (import "wasmhost:observer/config@0.1.0" "get" (func $config_get (param i32 i32 i32)))
  (import "wasmhost:observer/panic@0.1.0" "report" (func $panic_report (param i32 i32)))
  (import "wasmhost:observer/report@0.1.0" "send" (func $report_send (param i32 i32 i32 i32)))
  (import "wasmhost:observer/state@0.1.0" "load" (func $state_load (param i32)))
  (import "wasmhost:observer/state@0.1.0" "save" (func $state_save (param i32 i32)))

  (memory (export "memory") 1)

  (data (i32.const 0x020) "every")
  (data (i32.const 0x028) "event-counts")
  (data (i32.const 0x038) "total")
  (data (i32.const 0x040) "events")
  (data (i32.const 0x050) "config every: a whole number from 1 to 999999999 is wanted")
  (data (i32.const 0x0a0) "state: the saved blob is not of this observer")

  ;; In the order in which deterministic CBOR wants them as keys: by size, then by bytes.
  (data (i32.const 0x100) "\07on_stop")
  (data (i32.const 0x120) "\08on_error")
  (data (i32.const 0x140) "\08on_ready")
  (data (i32.const 0x160) "\08on_start")
  (data (i32.const 0x180) "\13on_webrtc_connected")
  (data (i32.const 0x1a0) "\14on_webrtc_connecting")
  (data (i32.const 0x1c0) "\15on_credential_renewed")
  (data (i32.const 0x1e0) "\16on_credential_expiring")
  (data (i32.const 0x200) "\16on_signaling_connected")
  (data (i32.const 0x220) "\16on_webrtc_disconnected")
  (data (i32.const 0x240) "\16on_websocket_connected")
  (data (i32.const 0x260) "\17on_mailbox_backpressure")
  (data (i32.const 0x280) "\17on_signaling_connecting")
  (data (i32.const 0x2a0) "\17on_websocket_connecting")
  (data (i32.const 0x2c0) "\19on_signaling_disconnected")
  (data (i32.const 0x2e0) "\19on_websocket_disconnected")

  (global $option i32 (i32.const 0x000))
  (global $ok i32 (i32.const 0x010))
  (global $names i32 (i32.const 0x100))
  (global $counts i32 (i32.const 0x300))
  (global $counts_size i32 (i32.const 128))
  (global $body i32 (i32.const 0x400))
  (global $heap i32 (i32.const 0x800))

  (global $next (mut i32) (i32.const 0x800))  ;; the top of the stack at $heap
  (global $every (mut i64) (i64.const 0))     ;; the configured interval; 0 until it is read
  (global $total (mut i64) (i64.const 0))     ;; the sum of the counts
  (global $write (mut i32) (i32.const 0))     ;; where the next byte of the report goes

  ;; ---- memory ----------------------------------------------------------------------------------

  ;; The canonical ABI's allocator. The host asks for room for every event, and inside config.get and
  ;; state.load for their answers. It only ever takes from the top; $count gives all of it back.
  (func $cabi_realloc (export "cabi_realloc")
    (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
    (local $block i32) (local $missing i32)
    ;; Nothing we are handed comes near 1 MiB (an event has at most 64 KiB); below it, and with $next
    ;; below the memory's own limit, none of the sums here can wrap.
    (if (i32.gt_u (local.get $size) (i32.const 0x100000)) (then unreachable))
    (local.set $block
      (i32.and
        (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
    (global.set $next (i32.add (local.get $block) (local.get $size)))
    (local.set $missing
      (i32.sub (global.get $next) (i32.mul (memory.size) (i32.const 0x10000))))
    (if (i32.gt_s (local.get $missing) (i32.const 0))
      (then
        (if (i32.eq
              (memory.grow
                (i32.shr_u (i32.add (local.get $missing) (i32.const 0xffff)) (i32.const 16)))
              (i32.const -1))
          (then unreachable))))
    ;; A block that is to be resized moves; the host does not do that today.
    (if (local.get $old)
      (then
        (memory.copy (local.get $block) (local.get $old)
          (select (local.get $old_size) (local.get $size)
            (i32.lt_u (local.get $old_size) (local.get $size))))))
    (local.get $block))

  (func $panic (param $text i32) (param $size i32)
    (call $panic_report (local.get $text) (local.get $size))
    unreachable)

  ;; ---- at the first event ----------------------------------------------------------------------

  ;; Reads the interval: 1 to 9 decimal digits, not all zero. 100 where the operator says nothing.
  (func $read_config
    (local $at i32) (local $end i32) (local $digit i32) (local $value i64)
    (call $config_get (i32.const 0x020) (i32.const 5) (global.get $option))
    (if (i32.eqz (i32.load8_u (global.get $option)))
      (then (global.set $every (i64.const 100)) (return)))
    (local.set $at (i32.load offset=4 (global.get $option)))
    (local.set $end (i32.add (local.get $at) (i32.load offset=8 (global.get $option))))
    (block $wrong
      (br_if $wrong (i32.gt_u (i32.load offset=8 (global.get $option)) (i32.const 9)))
      (loop $digits
        (if (i32.lt_u (local.get $at) (local.get $end))
          (then
            (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
            (br_if $wrong (i32.gt_u (local.get $digit) (i32.const 9)))
            (local.set $value
              (i64.add (i64.mul (local.get $value) (i64.const 10))
                (i64.extend_i32_u (local.get $digit))))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))
            (br $digits))))
      (br_if $wrong (i64.eqz (local.get $value)))
      (global.set $every (local.get $value))
      (return))
    (call $panic (i32.const 0x050) (i32.const 58)))

  ;; Takes up the counts where an earlier sandbox left them.
  (func $load_counts
    (local $slot i32)
    (call $state_load (global.get $option))
    (if (i32.eqz (i32.load8_u (global.get $option))) (then (return)))
    ;; A blob of another size was written by something else: better to stop than to overwrite it.
    (if (i32.ne (i32.load offset=8 (global.get $option)) (global.get $counts_size))
      (then (call $panic (i32.const 0x0a0) (i32.const 45))))
    (memory.copy (global.get $counts) (i32.load offset=4 (global.get $option))
      (global.get $counts_size))
    (loop $sum
      (global.set $total
        (i64.add (global.get $total)
          (i64.load (i32.add (global.get $counts) (local.get $slot)))))
      (local.set $slot (i32.add (local.get $slot) (i32.const 8)))
      (br_if $sum (i32.lt_u (local.get $slot) (global.get $counts_size)))))

  ;; ---- the report ------------------------------------------------------------------------------

  (func $put_byte (param $byte i32)
    (i32.store8 (global.get $write) (local.get $byte))
    (global.set $write (i32.add (global.get $write) (i32.const 1))))

  ;; $size low bytes of $value, the highest of them first: CBOR is big-endian, Wasm is not.
  (func $put_number (param $value i64) (param $size i32)
    (loop $bytes
      (local.set $size (i32.sub (local.get $size) (i32.const 1)))
      (call $put_byte
        (i32.wrap_i64
          (i64.shr_u (local.get $value)
            (i64.mul (i64.extend_i32_u (local.get $size)) (i64.const 8)))))
      (br_if $bytes (local.get $size))))

  ;; The head of a CBOR item: its type (the first byte with no argument in it) and its argument in the
  ;; shortest form, which deterministic encoding demands.
  (func $put_head (param $type i32) (param $argument i64)
    (if (i64.lt_u (local.get $argument) (i64.const 24))
      (then
        (call $put_byte (i32.or (local.get $type) (i32.wrap_i64 (local.get $argument))))
        (return)))
    (if (i64.lt_u (local.get $argument) (i64.const 0x100))
      (then
        (call $put_byte (i32.or (local.get $type) (i32.const 24)))
        (call $put_number (local.get $argument) (i32.const 1))
        (return)))
    (if (i64.lt_u (local.get $argument) (i64.const 0x10000))
      (then
        (call $put_byte (i32.or (local.get $type) (i32.const 25)))
        (call $put_number (local.get $argument) (i32.const 2))
        (return)))
    (if (i64.lt_u (local.get $argument) (i64.const 0x100000000))
      (then
        (call $put_byte (i32.or (local.get $type) (i32.const 26)))
        (call $put_number (local.get $argument) (i32.const 4))
        (return)))
    (call $put_byte (i32.or (local.get $type) (i32.const 27)))
    (call $put_number (local.get $argument) (i32.const 8)))

  (func $put_uint (param $value i64) (call $put_head (i32.const 0x00) (local.get $value)))
  (func $put_map (param $entries i64) (call $put_head (i32.const 0xa0) (local.get $entries)))
  (func $put_text (param $text i32) (param $size i32)
    (call $put_head (i32.const 0x60) (i64.extend_i32_u (local.get $size)))
    (memory.copy (global.get $write) (local.get $text) (local.get $size))
    (global.set $write (i32.add (global.get $write) (local.get $size))))

  (func $count_of (param $hook i32) (result i64)
    (i64.load (i32.add (global.get $counts) (i32.shl (local.get $hook) (i32.const 3)))))

  (func $put_name (param $hook i32)
    (local $name i32)
    (local.set $name
      (i32.add (global.get $names) (i32.shl (local.get $hook) (i32.const 5))))
    (call $put_text
      (i32.add (local.get $name) (i32.const 1))
      (i32.load8_u (local.get $name))))

  ;; {"total": …, "events": {hook: count, …}} with the hooks that were called.
  (func $report
    (local $hook i32) (local $called i64)
    (loop $hooks
      (local.set $called
        (i64.add (local.get $called)
          (i64.extend_i32_u (i64.ne (call $count_of (local.get $hook)) (i64.const 0)))))
      (local.set $hook (i32.add (local.get $hook) (i32.const 1)))
      (br_if $hooks (i32.lt_u (local.get $hook) (i32.const 16))))
    (global.set $write (global.get $body))
    (call $put_map (i64.const 2))
    (call $put_text (i32.const 0x038) (i32.const 5))
    (call $put_uint (global.get $total))
    (call $put_text (i32.const 0x040) (i32.const 6))
    (call $put_map (local.get $called))
    (local.set $hook (i32.const 0))
    (loop $hooks
      (if (i64.ne (call $count_of (local.get $hook)) (i64.const 0))
        (then
          (call $put_name (local.get $hook))
          (call $put_uint (call $count_of (local.get $hook)))))
      (local.set $hook (i32.add (local.get $hook) (i32.const 1)))
      (br_if $hooks (i32.lt_u (local.get $hook) (i32.const 16))))
    (call $report_send
      (i32.const 0x028) (i32.const 12)
      (global.get $body) (i32.sub (global.get $write) (global.get $body))))

  ;; ---- the hooks -------------------------------------------------------------------------------

  ;; What every hook does. The state is saved each time, so that no count is lost with the sandbox; the
  ;; host takes it only once the hook has returned.
  (func $count (param $hook i32)
    (local $slot i32)
    (if (i64.eqz (global.get $every)) (then (call $read_config) (call $load_counts)))
    (local.set $slot
      (i32.add (global.get $counts) (i32.shl (local.get $hook) (i32.const 3))))
    (i64.store (local.get $slot) (i64.add (i64.load (local.get $slot)) (i64.const 1)))
    (global.set $total (i64.add (global.get $total) (i64.const 1)))
    (call $state_save (global.get $counts) (global.get $counts_size))
    (if (i64.eqz (i64.rem_u (global.get $total) (global.get $every))) (then (call $report)))
    ;; The event and the imports' answers are ours to free: all at once, by forgetting them.
    (global.set $next (global.get $heap)))

  (func $count_on_stop
    (export "wasmhost:observer/lifecycle@0.1.0#on-stop") (param i32 i32) (result i32)
    (call $count (i32.const 0)) (global.get $ok))
  (func $count_on_error
    (export "wasmhost:observer/lifecycle@0.1.0#on-error") (param i32 i32) (result i32)
    (call $count (i32.const 1)) (global.get $ok))
  (func $count_on_ready
    (export "wasmhost:observer/lifecycle@0.1.0#on-ready") (param i32 i32) (result i32)
    (call $count (i32.const 2)) (global.get $ok))
  (func $count_on_start
    (export "wasmhost:observer/lifecycle@0.1.0#on-start") (param i32 i32) (result i32)
    (call $count (i32.const 3)) (global.get $ok))
  (func $count_on_webrtc_connected
    (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param i32 i32)
    (call $count (i32.const 4)))
  (func $count_on_webrtc_connecting
    (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connecting") (param i32 i32)
    (call $count (i32.const 5)))
  (func $count_on_credential_renewed
    (export "wasmhost:observer/credential@0.1.0#on-credential-renewed") (param i32 i32)
    (call $count (i32.const 6)))
  (func $count_on_credential_expiring
    (export "wasmhost:observer/credential@0.1.0#on-credential-expiring") (param i32 i32)
    (call $count (i32.const 7)))
  (func $count_on_signaling_connected
    (export "wasmhost:observer/signaling@0.1.0#on-signaling-connected") (param i32 i32)
    (call $count (i32.const 8)))
  (func $count_on_webrtc_disconnected
    (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-disconnected") (param i32 i32)
    (call $count (i32.const 9)))
  (func $count_on_websocket_connected
    (export "wasmhost:observer/websocket@0.1.0#on-websocket-connected") (param i32 i32)
    (call $count (i32.const 10)))
  (func $count_on_mailbox_backpressure
    (export "wasmhost:observer/mailbox@0.1.0#on-mailbox-backpressure") (param i32 i32)
    (call $count (i32.const 11)))
  (func $count_on_signaling_connecting
    (export "wasmhost:observer/signaling@0.1.0#on-signaling-connecting") (param i32 i32)
    (call $count (i32.const 12)))
  (func $count_on_websocket_connecting
    (export "wasmhost:observer/websocket@0.1.0#on-websocket-connecting") (param i32 i32)
    (call $count (i32.const 13)))
  (func $count_on_signaling_disconnected
    (export "wasmhost:observer/signaling@0.1.0#on-signaling-disconnected") (param i32 i32)
    (call $count (i32.const 14)))
  (func $count_on_websocket_disconnected
    (export "wasmhost:observer/websocket@0.1.0#on-websocket-disconnected") (param i32 i32)
    (call $count (i32.const 15)))
)
