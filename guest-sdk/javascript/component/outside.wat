;; What is done outside of QuickJS: it looks whether an event is whole, makes it a text, and decodes UTF-8. The bytes
;; come in as a list, from 16 on, and leave as a text; of what is no text the canonical ABI would trap, and nobody would
;; know why.
(core module $outside-module
  (import "room" "memory" (memory 1))
  ;; As many arrays and maps may be inside each other.
  (global $most-depth i32 (i32.const 16))
  ;; Gives the place behind the item that begins here, which is inside of so many others; 0 where it is cut short, or
  ;; not allowed.
  (func $skip (param $at i32) (param $end i32) (param $depth i32) (result i32)
    (local $initial i32) (local $major i32) (local $info i32) (local $behind i32) (local $argument i64)
    (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (i32.const 0))))
    (local.set $initial (i32.load8_u (local.get $at)))
    (local.set $at (i32.add (local.get $at) (i32.const 1)))
    (local.set $major (i32.shr_u (local.get $initial) (i32.const 5)))
    (local.set $info (i32.and (local.get $initial) (i32.const 31)))
    (local.set $argument (i64.extend_i32_u (local.get $info)))
    (if (i32.ge_u (local.get $info) (i32.const 24))
      (then
        (if (i32.gt_u (local.get $info) (i32.const 27)) (then (return (i32.const 0))))
        (local.set $behind
          (i32.add (local.get $at) (i32.shl (i32.const 1) (i32.sub (local.get $info) (i32.const 24)))))
        (if (i32.gt_u (local.get $behind) (local.get $end)) (then (return (i32.const 0))))
        (local.set $argument (i64.const 0))
        (loop $digit
          (local.set $argument
            (i64.or (i64.shl (local.get $argument) (i64.const 8)) (i64.load8_u (local.get $at))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br_if $digit (i32.lt_u (local.get $at) (local.get $behind))))))
    (if (i32.lt_u (local.get $major) (i32.const 2)) (then (return (local.get $at)))) ;; integers
    (if (i32.eq (local.get $major) (i32.const 6)) (then (return (i32.const 0)))) ;; tags
    (if (i32.eq (local.get $major) (i32.const 7))
      (then ;; false, true, null, and floats
        (return
          (select
            (local.get $at)
            (i32.const 0)
            (i32.or
              (i32.lt_u (i32.sub (local.get $info) (i32.const 20)) (i32.const 3))
              (i32.gt_u (local.get $info) (i32.const 24)))))))
    ;; No item is longer, or has more items, than there are bytes.
    (if (i64.gt_u (local.get $argument) (i64.extend_i32_u (i32.sub (local.get $end) (local.get $at))))
      (then (return (i32.const 0))))
    (if (i32.lt_u (local.get $major) (i32.const 4)) ;; bytes and text
      (then (return (i32.add (local.get $at) (i32.wrap_i64 (local.get $argument))))))
    (if (i32.ge_u (local.get $depth) (global.get $most-depth)) (then (return (i32.const 0))))
    (call $skip-items
      (local.get $at)
      (local.get $end)
      (i32.add (local.get $depth) (i32.const 1))
      (i32.shl (i32.wrap_i64 (local.get $argument)) (i32.sub (local.get $major) (i32.const 4)))))
  (func $skip-items (param $at i32) (param $end i32) (param $depth i32) (param $items i32) (result i32)
    (loop $next
      (if (i32.eqz (local.get $items)) (then (return (local.get $at))))
      (local.set $items (i32.sub (local.get $items) (i32.const 1)))
      (local.set $at (call $skip (local.get $at) (local.get $end) (local.get $depth)))
      (br_if $next (local.get $at)))
    (i32.const 0))
  ;; Write the bytes as characters, in UTF-8, from their end on. Gives the place behind.
  (func $widen (param $at i32) (param $end i32) (result i32)
    (local $out i32) (local $byte i32)
    (local.set $out (local.get $end))
    (loop $next
      (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (local.get $out))))
      (local.set $byte (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (if (i32.lt_u (local.get $byte) (i32.const 0x80))
        (then
          (i32.store8 (local.get $out) (local.get $byte))
          (local.set $out (i32.add (local.get $out) (i32.const 1))))
        (else
          (i32.store8 (local.get $out) (i32.or (i32.const 0xc0) (i32.shr_u (local.get $byte) (i32.const 6))))
          (i32.store8 offset=1 (local.get $out)
            (i32.or (i32.const 0x80) (i32.and (local.get $byte) (i32.const 0x3f))))
          (local.set $out (i32.add (local.get $out) (i32.const 2)))))
      (br $next))
    unreachable)
  (func $grow-to (param $end i32)
    (local $short i32)
    (local.set $short
      (i32.sub (i32.shr_u (i32.add (local.get $end) (i32.const 65535)) (i32.const 16)) (memory.size)))
    (if (i32.gt_s (local.get $short) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $short)) (i32.const -1)) (then unreachable)))))
  (func $is-utf8 (param $at i32) (param $end i32) (result i32)
    (local $lead i32) (local $more i32) (local $least i32) (local $most i32)
    (loop $next
      ;; Eight of ASCII at once.
      (if (i32.le_u (i32.add (local.get $at) (i32.const 8)) (local.get $end))
        (then
          (if (i64.eqz (i64.and (i64.load (local.get $at)) (i64.const 0x8080808080808080)))
            (then
              (local.set $at (i32.add (local.get $at) (i32.const 8)))
              (br $next)))))
      (if (i32.ge_u (local.get $at) (local.get $end)) (then (return (i32.const 1))))
      (local.set $lead (i32.load8_u (local.get $at)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $lead) (i32.const 0x80)))
      (if (i32.or (i32.lt_u (local.get $lead) (i32.const 0xc2)) (i32.gt_u (local.get $lead) (i32.const 0xf4)))
        (then (return (i32.const 0))))
      (local.set $more
        (i32.add (i32.const 1)
          (i32.add
            (i32.ge_u (local.get $lead) (i32.const 0xe0))
            (i32.ge_u (local.get $lead) (i32.const 0xf0)))))
      (if (i32.gt_u (i32.add (local.get $at) (local.get $more)) (local.get $end))
        (then (return (i32.const 0))))
      ;; The second byte keeps out longer forms of what is short, halves of surrogate pairs, and what is beyond
      ;; U+10FFFF.
      (local.set $least (i32.const 0x80))
      (local.set $most (i32.const 0xbf))
      (if (i32.eq (local.get $lead) (i32.const 0xe0)) (then (local.set $least (i32.const 0xa0))))
      (if (i32.eq (local.get $lead) (i32.const 0xed)) (then (local.set $most (i32.const 0x9f))))
      (if (i32.eq (local.get $lead) (i32.const 0xf0)) (then (local.set $least (i32.const 0x90))))
      (if (i32.eq (local.get $lead) (i32.const 0xf4)) (then (local.set $most (i32.const 0x8f))))
      (loop $following
        (if (i32.or
              (i32.lt_u (i32.load8_u (local.get $at)) (local.get $least))
              (i32.gt_u (i32.load8_u (local.get $at)) (local.get $most)))
          (then (return (i32.const 0))))
        (local.set $least (i32.const 0x80))
        (local.set $most (i32.const 0xbf))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (local.set $more (i32.sub (local.get $more) (i32.const 1)))
        (br_if $following (local.get $more)))
      (br $next))
    unreachable)
  ;; An `option<string>`, at 0.
  (func $option (param $is-some i32) (param $start i32) (param $size i32) (result i32)
    (i32.store (i32.const 0) (local.get $is-some))
    (i32.store (i32.const 4) (local.get $start))
    (i32.store (i32.const 8) (local.get $size))
    (i32.const 0))
  (func (export "decode") (param $start i32) (param $size i32) (result i32)
    (call $option
      (call $is-utf8 (local.get $start) (i32.add (local.get $start) (local.get $size)))
      (local.get $start)
      (local.get $size)))
  (func (export "open") (param $start i32) (param $size i32) (result i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $start) (local.get $size)))
    (if (i32.ne (call $skip (local.get $start) (local.get $end) (i32.const 0)) (local.get $end))
      (then (return (call $option (i32.const 0) (i32.const 0) (i32.const 0)))))
    (call $grow-to (i32.add (local.get $end) (i32.shl (local.get $size) (i32.const 1))))
    (call $option
      (i32.const 1)
      (local.get $end)
      (i32.sub (call $widen (local.get $start) (local.get $end)) (local.get $end)))))
(core instance $outside-core (instantiate $outside-module (with "room" (instance $room))))
(func $open (param "event" (list u8)) (result (option string))
  (canon lift (core func $outside-core "open") (memory $memory) (realloc $realloc)))
(func $decode (param "bytes" (list u8)) (result (option string))
  (canon lift (core func $outside-core "decode") (memory $memory) (realloc $realloc)))
(instance $outside (export "open" (func $open)) (export "decode" (func $decode)))
