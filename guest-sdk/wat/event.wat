;; The frame of an event (wit/events.cddl, hook-event): what a hook that reads its event begins with.

;; The name of the hook, for the words of $broken.
(global $hook (mut i32) (i32.const 0))
(global $hook.size (mut i32) (i32.const 0))

;; The place behind the event: nobody reads there, or further on.
(global $event.end (mut i32) (i32.const 0))
;; The payload: a map, by the contract.
(global $event (mut i32) (i32.const 0))
;; Who observed the event; 0 where it does not say.
(global $ctx (mut i32) (i32.const 0))
;; The emitter instance it comes from; 0 where it does not say.
(global $src (mut i32) (i32.const 0))

;; Opens the event at $at: sets $event, $ctx and $src. $hook is the hook's name as the WIT has it.
(func $begin (param $at i32) (param $size i32) (param $hook i32) (param $hook_size i32)
  (call $begin.early (local.get $at) (local.get $size) (local.get $hook) (local.get $hook_size))
  (if (i32.eqz (global.get $ctx)) (then (call $broken))))

;; The same for the two hooks that can come before the node has an identity, on-signaling-connecting and
;; on-signaling-connected: $ctx may be 0.
(func $begin.early (param $at i32) (param $size i32) (param $hook i32) (param $hook_size i32)
  (local $entries i64) (local $key i32) (local $key_size i32) (local $value i32)
  (local $seen i32)  ;; 1 for the time, 2 for the sequence number
  (global.set $hook (local.get $hook))
  (global.set $hook.size (local.get $hook_size))
  (global.set $event.end (i32.add (local.get $at) (local.get $size)))
  (global.set $event (i32.const 0))
  (global.set $ctx (i32.const 0))
  (global.set $src (i32.const 0))
  (local.set $at (call $read.typed (local.get $at) (i32.const 0xa0)))
  (local.set $entries (global.get $argument))
  (block $read
    (loop $next
      (br_if $read (i64.eqz (local.get $entries)))
      (local.set $entries (i64.sub (local.get $entries) (i64.const 1)))
      (call $read.text (local.get $at))
      (local.set $key_size)
      (local.set $key)
      (local.set $value (i32.add (local.get $key) (local.get $key_size)))
      (local.set $at (call $read.skip (local.get $value)))
      (if (call $same (local.get $key) (local.get $key_size) (text "ctx"))
        (then (global.set $ctx (local.get $value)) (br $next)))
      (if (call $same (local.get $key) (local.get $key_size) (text "src"))
        (then (global.set $src (local.get $value)) (br $next)))
      (if (call $same (local.get $key) (local.get $key_size) (text "event"))
        (then (global.set $event (local.get $value)) (br $next)))
      (if (call $same (local.get $key) (local.get $key_size) (text "at"))
        (then
          (drop (call $read.uint (local.get $value)))
          (local.set $seen (i32.or (local.get $seen) (i32.const 1)))
          (br $next)))
      (if (call $same (local.get $key) (local.get $key_size) (text "seq"))
        (then
          (drop (call $read.uint (local.get $value)))
          (local.set $seen (i32.or (local.get $seen) (i32.const 2)))))
      (br $next)))
  ;; Nothing may be missing, and nothing left over.
  (if (i32.or
        (i32.eqz (global.get $event))
        (i32.or
          (i32.ne (local.get $seen) (i32.const 3))
          (i32.ne (local.get $at) (global.get $event.end))))
    (then (call $broken))))

;; An event that breaks the contract. The host has checked it before, so this is a fault between host and
;; guest, and no reason to guess.
(func $broken
  (call $write.begin)
  (call $write.raw (global.get $hook) (global.get $hook.size))
  (call $write.raw (text ": the event is not what the contract says"))
  (call $panic (call $write.end)))
