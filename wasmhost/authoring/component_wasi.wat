;; WASI for a guest inside of a component, with the airlock's own answers: `airlock/wasi.wat`, which goes
;; where it says so below, is the same text as there. What it expects around it is here: a memory $box,
;; which is that of the hooks that do nothing, and a few functions of `airlock/back.wat`'s that end in
;; capabilities instead of a host's box.
;;
;; Until $started, while the guest is initialised, no capability may be called: time and random are
;; constants then, and output is dropped.
(core module $wasi-module
  (import "guest" "memory" (memory $guest 0))
  (import "guest" "cabi_realloc" (func $cabi_realloc (param i32 i32 i32 i32) (result i32)))
  (import "quiet" "memory" (memory $box 1))
  (import "host" "log" (func $log (param i32 i32 i32)))
  (import "host" "panic" (func $panic (param i32 i32)))
  (import "host" "now" (func $now (result i64)))
  (import "host" "random" (func $random (result i64)))
  (import "host" "sequence" (func $sequence (result i64)))

  (global $started (mut i32) (i32.const 0))
  (global $early_random (mut i64) (i64.const 0))
  ;; Whether the guest allocates for its host, and so may call nothing outside of the component.
  (global $allocating (mut i32) (i32.const 0))
  ;; Bytes in the buffer of each of standard output and error that did not end in a newline yet.
  (global $out (mut i32) (i32.const 0))
  (global $err (mut i32) (i32.const 0))
  ;; What a delivery wrote to standard error: its last words, should it exit.
  (global $said (mut i32) (i32.const 0))
  (global $said_in (mut i64) (i64.const -1))

  ;; Every function of WASI begins with this, but the clock's. While the guest allocates, it traps, as
  ;; nothing may be called then.
  (func $guard_open
    (i64.store $box (i32.const ${IN_AT})
      (if (result i64) (global.get $started) (then (call $now)) (else (i64.const ${INIT_AT})))))

  (func $guard_range (param $pointer i32) (param $length i32)
    (if (i64.gt_u
          (i64.add (i64.extend_i32_u (local.get $pointer)) (i64.extend_i32_u (local.get $length)))
          (i64.shl (i64.extend_i32_u (memory.size $guest)) (i64.const 16)))
      (then (unreachable))))

  (func $count (param $counter i32)
    (i32.store $box (local.get $counter)
      (i32.add (i32.load $box (local.get $counter)) (i32.const 1))))

  (func $mix (param $x i64) (result i64)
    (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 30)))
                           (i64.const 0xbf58476d1ce4e5b9)))
    (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 27)))
                           (i64.const 0x94d049bb133111eb)))
    (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 31))))

  (func $next_random (result i64)
    (if (global.get $started) (then (return (call $random))))
    (global.set $early_random (i64.add (global.get $early_random) (i64.const 0x9e3779b97f4a7c15)))
    (call $mix (global.get $early_random)))

  ;; Where a piece of output goes: behind what is in its buffer, which is given out where there is no room.
  (func $open_record (param $kind i32) (param $first i32) (param $second i32) (param $counter i32)
    (result i32)
    (local $place i32)
    (if (i32.eq (i32.shr_u (local.get $kind) (i32.const 8)) (i32.const 1))
      (then
        (if (i32.gt_u (i32.add (global.get $out) (local.get $first)) (i32.const ${BUFFER_BYTES}))
          (then
            (call $line (i32.const 2) (i32.const ${OUT_BUFFER}) (global.get $out))
            (global.set $out (i32.const 0))))
        (local.set $place (i32.add (i32.const ${OUT_BUFFER}) (global.get $out)))
        (global.set $out (i32.add (global.get $out) (local.get $first))))
      (else
        (if (i32.gt_u (i32.add (global.get $err) (local.get $first)) (i32.const ${BUFFER_BYTES}))
          (then
            (call $line (i32.const 3) (i32.const ${ERR_BUFFER}) (global.get $err))
            (global.set $err (i32.const 0))))
        (local.set $place (i32.add (i32.const ${ERR_BUFFER}) (global.get $err)))
        (global.set $err (i32.add (global.get $err) (local.get $first)))))
    (local.get $place))

  ;; Blank lines are left out: alone in a log they say nothing.
  (func $line (param $level i32) (param $text i32) (param $length i32)
    (if (i32.and (global.get $started) (i32.ne (local.get $length) (i32.const 0)))
      (then (call $log (local.get $level) (local.get $text) (local.get $length)))))

  ;; Give out the whole lines of a buffer, move the rest to its beginning, and say how long that is.
  (func $lines (param $level i32) (param $buffer i32) (param $length i32) (result i32)
    (local $start i32)
    (local $i i32)
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $i) (local.get $length)))
        (if (i32.eq (i32.load8_u $box (i32.add (local.get $buffer) (local.get $i))) (i32.const 10))
          (then
            (call $line (local.get $level) (i32.add (local.get $buffer) (local.get $start))
                        (i32.sub (local.get $i) (local.get $start)))
            (local.set $start (i32.add (local.get $i) (i32.const 1)))))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (memory.copy $box $box (local.get $buffer) (i32.add (local.get $buffer) (local.get $start))
                 (i32.sub (local.get $length) (local.get $start)))
    (i32.sub (local.get $length) (local.get $start)))

  ;; What ended without a newline in an earlier delivery is a line too, and nothing to be remembered.
  (func $begin
    (if (i32.eqz (global.get $started)) (then (return)))
    (if (i64.eq (global.get $said_in) (call $sequence)) (then (return)))
    (global.set $said_in (call $sequence))
    (call $end_lines)
    (global.set $said (i32.const 0)))

  (func $end_lines
    (call $line (i32.const 2) (i32.const ${OUT_BUFFER}) (global.get $out))
    (call $line (i32.const 3) (i32.const ${ERR_BUFFER}) (global.get $err))
    (global.set $out (i32.const 0))
    (global.set $err (i32.const 0)))

  ;; Keep what standard error was given, from $before in its buffer on, as far as there is room.
  (func $remember (param $before i32)
    (local $length i32)
    (if (i32.eqz (global.get $started)) (then (return)))
    (if (i32.lt_u (global.get $err) (local.get $before)) (then (local.set $before (i32.const 0))))
    (local.set $length (i32.sub (global.get $err) (local.get $before)))
    (if (i32.gt_u (local.get $length) (i32.sub (i32.const ${TEXT_BYTES}) (global.get $said)))
      (then (local.set $length (i32.sub (i32.const ${TEXT_BYTES}) (global.get $said)))))
    (memory.copy $box $box (i32.add (i32.const ${SAID_BUFFER}) (global.get $said))
                 (i32.add (i32.const ${ERR_BUFFER}) (local.get $before)) (local.get $length))
    (global.set $said (i32.add (global.get $said) (local.get $length))))

${WASI_FUNCTIONS}

  (func (export "started")
    (call $end_lines)
    (global.set $started (i32.const 1)))

  (func (export "realloc") (param i32 i32 i32 i32) (result i32)
    (local $pointer i32)
    (global.set $allocating (i32.const 1))
    (local.set $pointer
      (call $cabi_realloc (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
    (global.set $allocating (i32.const 0))
    (local.get $pointer))

  ;; An allocator may look at the clock too, as Go's does when its heap grows; it has the last time told.
  (func $clock_time_get (param $id i32) (param $precision i64) (param $result i32) (result i32)
    (if (i32.eqz (global.get $allocating)) (then (call $guard_open)))
    (call $wasi.clock_time_get (local.get $id) (local.get $precision) (local.get $result)))

  (func $fd_write (param $fd i32) (param $pieces i32) (param $count i32) (param $written i32)
    (result i32)
    (local $before i32)
    (local $answer i32)
    (call $begin)
    (local.set $before (global.get $err))
    (local.set $answer
      (call $wasi.fd_write (local.get $fd) (local.get $pieces) (local.get $count) (local.get $written)))
    (if (i32.eq (local.get $fd) (i32.const 2)) (then (call $remember (local.get $before))))
    (global.set $out (call $lines (i32.const 2) (i32.const ${OUT_BUFFER}) (global.get $out)))
    (global.set $err (call $lines (i32.const 3) (i32.const ${ERR_BUFFER}) (global.get $err)))
    (local.get $answer))

  (func $proc_exit (param $code i32)
    (call $end_lines)
    (if (i32.and (global.get $started) (i32.ne (global.get $said) (i32.const 0)))
      (then (call $panic (i32.const ${SAID_BUFFER}) (global.get $said))))
    (call $wasi.proc_exit (local.get $code)))

${EXPORTS}
)
