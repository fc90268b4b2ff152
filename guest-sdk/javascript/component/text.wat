;; A decoder of UTF-8. The bytes come in as a list and leave as the text they are, where they are one: the canonical
;; ABI would trap at the first that is wrong, and nobody would know why.
(core module $text-module
  (import "room" "memory" (memory 1))
  ;; An `option<string>`, at 0.
  (func (export "decode") (param $start i32) (param $size i32) (result i32)
    (i32.store (i32.const 0)
      (call $is-utf8 (local.get $start) (i32.add (local.get $start) (local.get $size))))
    (i32.store (i32.const 4) (local.get $start))
    (i32.store (i32.const 8) (local.get $size))
    (i32.const 0))
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
    unreachable))
(core instance $text-core (instantiate $text-module (with "room" (instance $room))))
(func $decode (param "bytes" (list u8)) (result (option string))
  (canon lift (core func $text-core "decode") (memory $memory) (realloc $realloc)))
(instance $text (export "decode" (func $decode)))
