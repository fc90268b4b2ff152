;; The capabilities of wit/capabilities.wit, as far as imports.wat does not have them in a form to use.

;; The levels of $log.write.
(global $log.trace i32 (i32.const 0))
(global $log.debug i32 (i32.const 1))
(global $log.info i32 (i32.const 2))
(global $log.warn i32 (i32.const 3))
(global $log.error i32 (i32.const 4))

;; Where imports leave an option<_>: {is-some: u8 at 0, place: i32 at 4, size: i32 at 8}.
(global $area.option i32 (i32.const 0x000))
;; Where a lifecycle hook leaves its result<_, string>: {is-error: u8 at 0, place: i32 at 4, size: i32 at 8}.
(global $area.result i32 (i32.const 0x010))

;; The place and the size of what an import left; the place is 0 for none. What is some is never at 0, as it
;; lies in the arena.
(func $option (result i32 i32)
  (if (i32.eqz (i32.load8_u (global.get $area.option)))
    (then (return (i32.const 0) (i32.const 0))))
  (i32.load offset=4 (global.get $area.option))
  (i32.load offset=8 (global.get $area.option)))

;; ---- panic ---------------------------------------------------------------------------------------

;; Says why, then traps. The host discards this sandbox and starts a fresh one.
(func $panic (param $words i32) (param $size i32)
  (call $panic.report (local.get $words) (local.get $size))
  unreachable)

;; ---- delivery ------------------------------------------------------------------------------------

;; The emitter instance the event comes from; its place is 0 where it does not say.
(func $delivery.source (result i32 i32)
  (if (i32.eqz (global.get $src)) (then (return (i32.const 0) (i32.const 0))))
  (call $read.text (global.get $src)))

;; ---- config --------------------------------------------------------------------------------------

;; The value of a key; its place is 0 where there is none.
(func $config.get (param $key i32) (param $size i32) (result i32 i32)
  (call $raw.config.get (local.get $key) (local.get $size) (global.get $area.option))
  (call $option))

;; The value of a key as a whole number in decimal, $otherwise where there is none. Anything else than such a
;; number is a panic that names the key.
(func $config.u64 (param $key i32) (param $size i32) (param $otherwise i64) (result i64)
  (local $value i32) (local $value_size i32) (local $at i32) (local $end i32)
  (local $digit i64) (local $number i64)
  (call $config.get (local.get $key) (local.get $size))
  (local.set $value_size)
  (local.set $value)
  (if (i32.eqz (local.get $value)) (then (return (local.get $otherwise))))
  (local.set $at (local.get $value))
  (local.set $end (i32.add (local.get $value) (local.get $value_size)))
  (block $wrong
    (br_if $wrong (i32.eqz (local.get $value_size)))
    (loop $digits
      (local.set $digit (i64.sub (i64.load8_u (local.get $at)) (i64.const 48)))
      (br_if $wrong (i64.gt_u (local.get $digit) (i64.const 9)))
      ;; Whether ten times the number and the digit fit: (2^64 - 1 - digit) / 10 is the most that does.
      (br_if $wrong
        (i64.gt_u (local.get $number)
          (i64.div_u (i64.sub (i64.const -1) (local.get $digit)) (i64.const 10))))
      (local.set $number
        (i64.add (i64.mul (local.get $number) (i64.const 10)) (local.get $digit)))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $digits (i32.lt_u (local.get $at) (local.get $end))))
    (return (local.get $number)))
  (call $config.refuse
    (local.get $key) (local.get $size)
    (local.get $value) (local.get $value_size)
    (text "a whole number is wanted"))
  unreachable)

;; Panics for a value that can't be used, in words the operator can act on.
(func $config.refuse
  (param $key i32) (param $key_size i32) (param $value i32) (param $value_size i32)
  (param $wanted i32) (param $wanted_size i32)
  (call $write.begin)
  (call $write.raw (text "config "))
  (call $write.raw (local.get $key) (local.get $key_size))
  (call $write.raw (text ": "))
  (call $write.raw (local.get $wanted) (local.get $wanted_size))
  (call $write.raw (text ", not \""))
  (call $write.raw (local.get $value) (local.get $value_size))
  (call $write.raw (text "\""))
  (call $panic (call $write.end)))

;; ---- state ---------------------------------------------------------------------------------------

;; The blob as last saved; its place is 0 where there is none.
(func $state.load (result i32 i32)
  (call $raw.state.load (global.get $area.option))
  (call $option))

;; ---- what a lifecycle hook returns ---------------------------------------------------------------

(func $ok (result i32)
  (i32.store8 (global.get $area.result) (i32.const 0))
  (call $end)
  (global.get $area.result))

;; The hook's error, in words. They may lie in the hook's memory.
(func $failed (param $words i32) (param $size i32) (result i32)
  (i32.store8 (global.get $area.result) (i32.const 1))
  (i32.store offset=4 (global.get $area.result) (local.get $words))
  (i32.store offset=8 (global.get $area.result) (local.get $size))
  (call $end)
  (global.get $area.result))
