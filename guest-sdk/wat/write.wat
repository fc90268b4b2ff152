;; A buffer that grows as it is written, in the hook's memory: for CBOR in its shortest form, and for plain
;; text. One at a time: $write.begin forgets the one before, but what $write.end gave stays until the hook is
;; over.
;;
;; A map of n entries is followed by n times a key and a value, the keys in deterministic order: shorter ones
;; first, equal lengths by their bytes.

(global $write.start (mut i32) (i32.const 0))
(global $write.next (mut i32) (i32.const 0))
(global $write.limit (mut i32) (i32.const 0))

(func $write.begin
  (global.set $write.start
    (call $cabi_realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 128)))
  (global.set $write.next (global.get $write.start))
  (global.set $write.limit (i32.add (global.get $write.start) (i32.const 128))))

;; The place and the size of what was written.
(func $write.end (result i32 i32)
  (global.get $write.start)
  (i32.sub (global.get $write.next) (global.get $write.start)))

;; Makes room for $size more bytes. Nothing over 1 MiB is written, which is more than the host takes from a
;; delivery; below it the new size can't wrap while memory has room for the old.
(func $write.need (param $size i32)
  (local $held i32) (local $wanted i32) (local $used i32)
  (if (i32.le_u (local.get $size) (i32.sub (global.get $write.limit) (global.get $write.next)))
    (then (return)))
  (local.set $held (i32.sub (global.get $write.limit) (global.get $write.start)))
  (local.set $used (i32.sub (global.get $write.next) (global.get $write.start)))
  (if (i32.gt_u (i32.or (local.get $held) (local.get $size)) (i32.const 0x100000))
    (then (call $panic (text "too much is written"))))
  (local.set $wanted
    (i32.add (i32.shl (local.get $held) (i32.const 1)) (local.get $size)))
  (global.set $write.start
    (call $cabi_realloc
      (global.get $write.start) (local.get $held) (i32.const 1) (local.get $wanted)))
  (global.set $write.next (i32.add (global.get $write.start) (local.get $used)))
  (global.set $write.limit (i32.add (global.get $write.start) (local.get $wanted))))

;; For who has made room before.
(func $write.byte (param $byte i32)
  (i32.store8 (global.get $write.next) (local.get $byte))
  (global.set $write.next (i32.add (global.get $write.next) (i32.const 1))))

;; The head of an item: its type, and its argument in the shortest form.
(func $write.head (param $type i32) (param $argument i64)
  (local $log2 i32) (local $shift i64)
  (call $write.need (i32.const 9))
  (if (i64.lt_u (local.get $argument) (i64.const 24))
    (then
      (call $write.byte (i32.or (local.get $type) (i32.wrap_i64 (local.get $argument))))
      (return)))
  (local.set $log2
    (i32.add
      (i64.gt_u (local.get $argument) (i64.const 0xff))
      (i32.add
        (i64.gt_u (local.get $argument) (i64.const 0xffff))
        (i64.gt_u (local.get $argument) (i64.const 0xffffffff)))))
  (call $write.byte (i32.or (local.get $type) (i32.add (local.get $log2) (i32.const 24))))
  ;; CBOR is big-endian, Wasm is not.
  (local.set $shift (i64.shl (i64.const 8) (i64.extend_i32_u (local.get $log2))))
  (loop $bytes
    (local.set $shift (i64.sub (local.get $shift) (i64.const 8)))
    (call $write.byte
      (i32.wrap_i64 (i64.shr_u (local.get $argument) (local.get $shift))))
    (br_if $bytes (i64.ne (local.get $shift) (i64.const 0)))))

(func $write.map (param $entries i32)
  (call $write.head (i32.const 0xa0) (i64.extend_i32_u (local.get $entries))))

(func $write.array (param $items i32)
  (call $write.head (i32.const 0x80) (i64.extend_i32_u (local.get $items))))

(func $write.uint (param $number i64)
  (call $write.head (i32.const 0x00) (local.get $number)))

(func $write.bool (param $truth i32)
  (call $write.need (i32.const 1))
  (call $write.byte (i32.add (i32.const 0xf4) (i32.ne (local.get $truth) (i32.const 0)))))

(func $write.text (param $text i32) (param $size i32)
  (call $write.head (i32.const 0x60) (i64.extend_i32_u (local.get $size)))
  (call $write.raw (local.get $text) (local.get $size)))

(func $write.bytes (param $bytes i32) (param $size i32)
  (call $write.head (i32.const 0x40) (i64.extend_i32_u (local.get $size)))
  (call $write.raw (local.get $bytes) (local.get $size)))

;; Bytes as they are: the text of log lines and panics, or CBOR that is there already.
(func $write.raw (param $bytes i32) (param $size i32)
  (call $write.need (local.get $size))
  (memory.copy (global.get $write.next) (local.get $bytes) (local.get $size))
  (global.set $write.next (i32.add (global.get $write.next) (local.get $size))))

;; A number in decimal, for log lines and panics.
(func $write.decimal (param $number i64)
  (if (i64.ge_u (local.get $number) (i64.const 10))
    (then (call $write.decimal (i64.div_u (local.get $number) (i64.const 10)))))
  (call $write.need (i32.const 1))
  (call $write.byte
    (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $number) (i64.const 10))))))
