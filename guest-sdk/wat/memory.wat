;; Owned memory: an arena that lasts one hook.
;;
;; The host asks for room to put the event and the answers of imports into; what is written (write.wat)
;; takes its room here, too. When the hook is over all of it is free again, so an observer that runs for a
;; year is as big as its biggest delivery. See README.md for what lies below the arena.

(memory $memory (export "memory") 1)

;; The first free byte.
(global $arena.next (mut i32) (i32.const 0))
;; The last hook is over: whoever asks for room next begins anew. Not at once, because what a lifecycle hook
;; returns lies in the arena and is read after it; the host reads it before it asks for room again.
(global $arena.over (mut i32) (i32.const 1))

;; What every hook ends with, but for those that end with $ok or $failed.
(func $end
  (global.set $arena.over (i32.const 1)))

;; The canonical ABI's allocator. The host promises that $align is a power of two, and that $old was given
;; by this function; it may call it in the middle of an import, so no import is called here, and where
;; memory is at its limit it traps without words. Sums are made in 64 bits, where no size can wrap them.
(func $cabi_realloc (export "cabi_realloc")
  (param $old i32) (param $old_size i32) (param $align i32) (param $size i32) (result i32)
  (local $block i64) (local $missing i64)
  (if (global.get $arena.over)
    (then
      (global.set $arena.over (i32.const 0))
      (global.set $arena.next (global.get $heap))))
  ;; The block taken last grows or shrinks where it lies; any other moves.
  (if (i32.and
        (i32.ne (local.get $old) (i32.const 0))
        (i32.eq (i32.add (local.get $old) (local.get $old_size)) (global.get $arena.next)))
    (then
      (local.set $block (i64.extend_i32_u (local.get $old)))
      (local.set $old (i32.const 0)))
    (else
      (local.set $block
        (i64.and
          (i64.add
            (i64.extend_i32_u (global.get $arena.next))
            (i64.extend_i32_u (i32.sub (local.get $align) (i32.const 1))))
          (i64.sub (i64.const 0) (i64.extend_i32_u (local.get $align)))))))
  (local.set $missing
    (i64.sub
      (i64.add (local.get $block) (i64.extend_i32_u (local.get $size)))
      (i64.shl (i64.extend_i32_u (memory.size)) (i64.const 16))))
  (if (i64.gt_s (local.get $missing) (i64.const 0))
    (then
      (if (i32.eq
            (memory.grow
              (i32.wrap_i64
                (i64.shr_u (i64.add (local.get $missing) (i64.const 0xffff)) (i64.const 16))))
            (i32.const -1))
        (then unreachable))))
  (global.set $arena.next (i32.add (i32.wrap_i64 (local.get $block)) (local.get $size)))
  (if (local.get $old)
    (then
      (memory.copy (i32.wrap_i64 (local.get $block)) (local.get $old)
        (select (local.get $old_size) (local.get $size)
          (i32.lt_u (local.get $old_size) (local.get $size))))))
  (i32.wrap_i64 (local.get $block)))
