;; Memory for what passes through, one call at a time: its texts come one behind the other, and the call that has
;; passed them on leaves.
(core module $room-module
  (memory (export "memory") 1)
  (global $free (mut i32) (i32.const 0))
  (func (export "realloc") (param $old i32) (param $old-size i32) (param $alignment i32) (param $size i32) (result i32)
    (local $place i32) (local $pages-short i32)
    (local.set $place (global.get $free))
    ;; The sum is that of one call's texts, which the caller has in a memory of its own: it fits.
    (global.set $free (i32.add (local.get $place) (local.get $size)))
    (local.set $pages-short
      (i32.sub
        (i32.shr_u (i32.add (global.get $free) (i32.const 65535)) (i32.const 16))
        (memory.size)))
    (if (i32.gt_s (local.get $pages-short) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $pages-short)) (i32.const -1)) (then unreachable))))
    (local.get $place))
  (func (export "leave") (global.set $free (i32.const 0)))
  ;; Make bytes of a text, where it is, with one for each character. Gives their number.
  (func (export "narrow") (param $start i32) (param $size i32) (result i32)
    (local $at i32) (local $end i32) (local $out i32) (local $byte i32)
    (local.set $at (local.get $start))
    (local.set $out (local.get $start))
    (local.set $end (i32.add (local.get $start) (local.get $size)))
    (loop $next
      (if (i32.ge_u (local.get $at) (local.get $end))
        (then (return (i32.sub (local.get $out) (local.get $start)))))
      (local.set $byte (i32.load8_u (local.get $at)))
      (if (i32.ge_u (local.get $byte) (i32.const 0x80))
        (then ;; It is the first of two: no character has more, up to U+00FF.
          (if (i32.gt_u (local.get $byte) (i32.const 0xc3)) (then unreachable))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (local.set $byte
            (i32.or
              (i32.shl (i32.and (local.get $byte) (i32.const 3)) (i32.const 6))
              (i32.and (i32.load8_u (local.get $at)) (i32.const 0x3f))))))
      (i32.store8 (local.get $out) (local.get $byte))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (local.set $out (i32.add (local.get $out) (i32.const 1)))
      (br $next))
    unreachable))
(core instance $room (instantiate $room-module))
(alias core export $room "memory" (core memory $memory))
(alias core export $room "realloc" (core func $realloc))
