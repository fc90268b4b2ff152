;; CBOR as far as the contract allows it (RFC 8949, section 4.2.1: definite lengths, no tags, text keys).
;;
;; An item is known by the place of its first byte; nothing is copied, and a field is read when it is asked
;; for. $begin (event.wat) has walked over the whole event, so every item in it ends inside of it. All the
;; same nothing here reads at a place that it has not compared with $event.end before. An item that is not as
;; asked for ends the hook, by $broken.

;; The argument of the head read last (RFC 8949, section 3): a number, a size in bytes, or a count of items.
(global $argument (mut i64) (i64.const 0))

;; Reads the head of the item at $at, whatever it is, into $argument; gives the place behind it. 28 to 30 are
;; reserved, 31 is an indefinite length: the contract has none of them.
(func $read.head (param $at i32) (result i32)
  (local $width i32) (local $argument i64)
  (if (i32.ge_u (local.get $at) (global.get $event.end)) (then (call $broken)))
  (local.set $argument
    (i64.and (i64.load8_u (local.get $at)) (i64.const 0x1f)))
  (local.set $at (i32.add (local.get $at) (i32.const 1)))
  (if (i64.ge_u (local.get $argument) (i64.const 24))
    (then
      (if (i64.ge_u (local.get $argument) (i64.const 28)) (then (call $broken)))
      (local.set $width
        (i32.shl (i32.const 1)
          (i32.sub (i32.wrap_i64 (local.get $argument)) (i32.const 24))))
      (if (i32.gt_u (local.get $width) (i32.sub (global.get $event.end) (local.get $at)))
        (then (call $broken)))
      (local.set $argument (i64.const 0))
      (loop $bytes
        (local.set $argument
          (i64.or
            (i64.shl (local.get $argument) (i64.const 8))
            (i64.load8_u (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 1)))
        (br_if $bytes
          (local.tee $width (i32.sub (local.get $width) (i32.const 1)))))))
  (global.set $argument (local.get $argument))
  (local.get $at))

;; The same for an item that must be of a type: 0x00 an unsigned integer, 0x60 a text, 0xa0 a map.
(func $read.typed (param $at i32) (param $type i32) (result i32)
  (local $behind i32)
  (local.set $behind (call $read.head (local.get $at)))
  (if (i32.ne (i32.and (i32.load8_u (local.get $at)) (i32.const 0xe0)) (local.get $type))
    (then (call $broken)))
  (local.get $behind))

;; The place behind the item at $at, whatever it is.
;;
;; Walks instead of recursing, so that no nesting can use up the stack. $pending can't wrap: each head adds
;; at most twice the bytes left, and there are no more heads than bytes. Texts of under 24 bytes are most of
;; an event, so they have a way of their own; it may go past the event's end, and is caught there.
(func $read.skip (param $at i32) (result i32)
  (local $behind i32) (local $short i32) (local $pending i64)
  (local.set $pending (i64.const 1))
  (loop $items
    (local.set $pending (i64.sub (local.get $pending) (i64.const 1)))
    (if (i32.ge_u (local.get $at) (global.get $event.end)) (then (call $broken)))
    (local.set $short (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x60)))
    (if (i32.lt_u (local.get $short) (i32.const 24))
      (then
        (local.set $at (i32.add (i32.add (local.get $at) (i32.const 1)) (local.get $short))))
      (else
        (local.set $behind (call $read.head (local.get $at)))
        (block $counted
          (block $map
            (block $array
              (block $bytes
                (block $tag
                  (br_table $counted $counted $bytes $bytes $array $map $tag $counted
                    (i32.shr_u (i32.load8_u (local.get $at)) (i32.const 5))))
                (call $broken))
              (call $read.room (local.get $behind))
              (local.set $behind
                (i32.add (local.get $behind) (i32.wrap_i64 (global.get $argument))))
              (br $counted))
            (call $read.room (local.get $behind))
            (local.set $pending (i64.add (local.get $pending) (global.get $argument)))
            (br $counted))
          (call $read.room (local.get $behind))
          (local.set $pending
            (i64.add (local.get $pending) (i64.shl (global.get $argument) (i64.const 1)))))
        (local.set $at (local.get $behind))))
    (br_if $items (i64.ne (local.get $pending) (i64.const 0))))
  (if (i32.gt_u (local.get $at) (global.get $event.end)) (then (call $broken)))
  (local.get $at))

;; That as many bytes as $argument says are left at $at; so many items would take no fewer.
(func $read.room (param $at i32)
  (if (i64.gt_u (global.get $argument)
        (i64.extend_i32_u (i32.sub (global.get $event.end) (local.get $at))))
    (then (call $broken))))

(func $read.uint (param $at i32) (result i64)
  (drop (call $read.typed (local.get $at) (i32.const 0x00)))
  (global.get $argument))

(func $read.u32 (param $at i32) (result i32)
  (drop (call $read.typed (local.get $at) (i32.const 0x00)))
  (if (i64.gt_u (global.get $argument) (i64.const 0xffffffff)) (then (call $broken)))
  (i32.wrap_i64 (global.get $argument)))

(func $read.bool (param $at i32) (result i32)
  (local $byte i32)
  (drop (call $read.head (local.get $at)))
  (local.set $byte (i32.load8_u (local.get $at)))
  (if (i32.ne (i32.and (local.get $byte) (i32.const 0xfe)) (i32.const 0xf4)) (then (call $broken)))
  (i32.and (local.get $byte) (i32.const 1)))

;; The place and the size of a text. Most are keys and names of under 24 bytes, whose head is a single byte.
(func $read.text (param $at i32) (result i32 i32)
  (local $size i32)
  (if (i32.ge_u (local.get $at) (global.get $event.end)) (then (call $broken)))
  (local.set $size (i32.sub (i32.load8_u (local.get $at)) (i32.const 0x60)))
  (if (i32.lt_u (local.get $size) (i32.const 24))
    (then
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (if (i32.gt_u (local.get $size) (i32.sub (global.get $event.end) (local.get $at)))
        (then (call $broken))))
    (else
      (local.set $at (call $read.typed (local.get $at) (i32.const 0x60)))
      (call $read.room (local.get $at))
      (local.set $size (i32.wrap_i64 (global.get $argument)))))
  (local.get $at)
  (local.get $size))

;; Which of some words a text is, counted from 0: "idle connecting …". It must be one of them.
(func $read.one-of (param $at i32) (param $words i32) (param $size i32) (result i32)
  (local $text i32) (local $text_size i32) (local $end i32) (local $word i32) (local $index i32)
  (call $read.text (local.get $at))
  (local.set $text_size)
  (local.set $text)
  (local.set $end (i32.add (local.get $words) (local.get $size)))
  (local.set $word (local.get $words))
  (loop $bytes (result i32)
    (if (i32.eq (local.get $words) (local.get $end))
      (then
        (if (i32.eqz (call $same
              (local.get $word) (i32.sub (local.get $words) (local.get $word))
              (local.get $text) (local.get $text_size)))
          (then (call $broken)))
        (return (local.get $index))))
    (if (i32.eq (i32.load8_u (local.get $words)) (i32.const 0x20))
      (then
        (if (call $same
              (local.get $word) (i32.sub (local.get $words) (local.get $word))
              (local.get $text) (local.get $text_size))
          (then (return (local.get $index))))
        (local.set $index (i32.add (local.get $index) (i32.const 1)))
        (local.set $word (i32.add (local.get $words) (i32.const 1)))))
    (local.set $words (i32.add (local.get $words) (i32.const 1)))
    (br $bytes)))

;; The value of a key in the map at $map; 0 where there is none.
(func $read.find (param $map i32) (param $key i32) (param $size i32) (result i32)
  (local $at i32) (local $entries i64) (local $found i32) (local $found_size i32)
  (local.set $at (call $read.typed (local.get $map) (i32.const 0xa0)))
  (local.set $entries (global.get $argument))
  (loop $next
    (if (i64.eqz (local.get $entries)) (then (return (i32.const 0))))
    (local.set $entries (i64.sub (local.get $entries) (i64.const 1)))
    (call $read.text (local.get $at))
    (local.set $found_size)
    (local.set $found)
    (local.set $at (i32.add (local.get $found) (local.get $found_size)))
    (if (i32.eqz (call $same
          (local.get $found) (local.get $found_size) (local.get $key) (local.get $size)))
      (then
        (local.set $at (call $read.skip (local.get $at)))
        (br $next))))
  (local.get $at))

;; The value of a key that must be there.
(func $read.get (param $map i32) (param $key i32) (param $size i32) (result i32)
  (local $at i32)
  (local.set $at (call $read.find (local.get $map) (local.get $key) (local.get $size)))
  (if (i32.eqz (local.get $at)) (then (call $broken)))
  (local.get $at))

;; Whether two texts are the same, byte for byte. Most that differ do so in their size.
(func $same (param $a i32) (param $a_size i32) (param $b i32) (param $b_size i32) (result i32)
  (if (i32.ne (local.get $a_size) (local.get $b_size)) (then (return (i32.const 0))))
  (block $equal
    (loop $bytes
      (br_if $equal (i32.eqz (local.get $a_size)))
      (if (i32.ne (i32.load8_u (local.get $a)) (i32.load8_u (local.get $b)))
        (then (return (i32.const 0))))
      (local.set $a (i32.add (local.get $a) (i32.const 1)))
      (local.set $b (i32.add (local.get $b) (i32.const 1)))
      (local.set $a_size (i32.sub (local.get $a_size) (i32.const 1)))
      (br $bytes)))
  (i32.const 1))
