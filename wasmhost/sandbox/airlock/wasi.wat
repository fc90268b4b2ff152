  ;; ---- WASI preview 1, without the world ----------------------------------------------------
  ;;
  ;; Part of the back, for guests whose language runtime imports WASI (Go, Rust, C with a libc).
  ;; Nothing here reaches the system: output becomes log lines, time is the event's, random is the
  ;; delivery's stream, and there are no files. Functions not written here are generated: fd_* say
  ;; EBADF, for there is no such descriptor, the rest ENOSYS.

  ;; The guest's clock: the latest event's time, moved on by sleeping, never backwards. And never 0,
  ;; whatever the event says: Go takes that for a broken clock, and dies.
  (global $clock (mut i64) (i64.const ${INIT_AT}))

  (func $clock_now (result i64)
    (local $at i64)
    (local.set $at (i64.load $box (i32.const ${IN_AT})))
    (if (i64.gt_u (local.get $at) (global.get $clock))
      (then (global.set $clock (local.get $at))))
    (global.get $clock))

  ;; The one function that works where imports are shut. Go's allocator looks at the clock as its heap
  ;; grows, and it is only told what the event has told the guest, or will in a moment.
  (func $wasi.clock_time_get (param $id i32) (param $precision i64) (param $result i32) (result i32)
    (i64.store $guest align=1 (local.get $result) (call $clock_now))
    (i32.const 0))

  (func $wasi.clock_res_get (param $id i32) (param $result i32) (result i32)
    (call $guard_open)
    (i64.store $guest align=1 (local.get $result) (i64.const 1))
    (i32.const 0))

  (func $two_zeros (param $first i32) (param $second i32) (result i32)
    (call $guard_open)
    (i32.store $guest align=1 (local.get $first) (i32.const 0))
    (i32.store $guest align=1 (local.get $second) (i32.const 0))
    (i32.const 0))

  (func $wasi.args_sizes_get (param i32 i32) (result i32)
    (call $two_zeros (local.get 0) (local.get 1)))
  (func $wasi.environ_sizes_get (param i32 i32) (result i32)
    (call $two_zeros (local.get 0) (local.get 1)))
  (func $wasi.args_get (param i32 i32) (result i32)
    (call $guard_open)
    (i32.const 0))
  (func $wasi.environ_get (param i32 i32) (result i32)
    (call $guard_open)
    (i32.const 0))
  (func $wasi.sched_yield (result i32)
    (call $guard_open)
    (i32.const 0))

  ;; Standard input, output and error are character devices; there is nothing else.
  (func $wasi.fd_fdstat_get (param $fd i32) (param $result i32) (result i32)
    (call $guard_open)
    (if (i32.gt_u (local.get $fd) (i32.const 2)) (then (return (i32.const ${ERRNO_BADF}))))
    (memory.fill $guest (local.get $result) (i32.const 0) (i32.const 24))
    (i32.store8 $guest (local.get $result) (i32.const 2))                     ;; character device
    (i64.store $guest offset=8 align=1 (local.get $result) (i64.const 0x40))  ;; the right to fd_write
    (i32.const 0))

  ;; What the outbox still takes of a piece this long. A cut is counted; where there is no room at all,
  ;; the piece stays as long as it is, for $open_record to refuse and count.
  (func $at_most_room (param $length i32) (result i32)
    (local $room i32)
    (local.set $room
      (i32.sub (i32.const ${AREA_BYTES})
               (i32.add (i32.load $box (i32.const ${OUT_LENGTH})) (i32.const ${RECORD_BYTES}))))
    (if (i32.or (i32.le_s (local.get $room) (i32.const 0))
                (i32.le_u (local.get $length) (local.get $room)))
      (then (return (local.get $length))))
    (call $count (i32.const ${OUT_LOGS_DROPPED}))
    (local.get $room))

  ;; Each piece is a record; the host puts lines together. It succeeds even when the outbox is full
  ;; (what is cut or dropped is counted): Go's panic printer recurses for ever on a failed write. A
  ;; piece is no line, and may be a libc's whole buffer of them: the outbox alone bounds it here.
  (func $wasi.fd_write (param $fd i32) (param $pieces i32) (param $count i32) (param $written i32)
    (result i32)
    (local $total i32)
    (local $text i32)
    (local $length i32)
    (local $place i32)
    (call $guard_open)
    (if (i32.gt_u (i32.sub (local.get $fd) (i32.const 1)) (i32.const 1))  ;; neither 1 nor 2
      (then (return (i32.const ${ERRNO_BADF}))))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $count)))
        (local.set $text (i32.load $guest align=1 (local.get $pieces)))
        (local.set $length (i32.load $guest offset=4 align=1 (local.get $pieces)))
        (call $guard_range (local.get $text) (local.get $length))
        (local.set $total (i32.add (local.get $total) (local.get $length)))
        (local.set $length (call $at_most_room (local.get $length)))
        (local.set $place
          (call $open_record
            (i32.or (i32.const ${OUTPUT}) (i32.shl (local.get $fd) (i32.const 8)))
            (local.get $length) (i32.const 0) (i32.const ${OUT_LOGS_DROPPED})))
        (if (local.get $place)
          (then (memory.copy $box $guest (local.get $place) (local.get $text) (local.get $length))))
        (local.set $pieces (i32.add (local.get $pieces) (i32.const 8)))
        (local.set $count (i32.sub (local.get $count) (i32.const 1)))
        (br $next)))
    (i32.store $guest align=1 (local.get $written) (local.get $total))
    (i32.const 0))

  (func $wasi.random_get (param $buffer i32) (param $length i32) (result i32)
    (local $bits i64)
    (local $i i32)
    (call $guard_open)
    (call $guard_range (local.get $buffer) (local.get $length))
    (block $done
      (loop $next
        (br_if $done (i32.eq (local.get $i) (local.get $length)))
        (if (i32.eqz (i32.and (local.get $i) (i32.const 7)))  ;; eight bytes used up
          (then (local.set $bits (call $next_random))))
        (i64.store8 $guest (i32.add (local.get $buffer) (local.get $i)) (local.get $bits))
        (local.set $bits (i64.shr_u (local.get $bits) (i64.const 8)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br $next)))
    (i32.const 0))

  ;; When a subscription (48 bytes: userdata 0, tag 8, then for a clock timeout 24 and flags 40) is
  ;; due: a clock's timeout from now or, with flag 1, as such; a descriptor at once.
  (func $due (param $subscription i32) (result i64)
    (local $timeout i64)
    (if (i32.load8_u $guest offset=8 (local.get $subscription)) (then (return (i64.const 0))))
    (local.set $timeout (i64.load $guest offset=24 align=1 (local.get $subscription)))
    (if (i32.and (i32.load16_u $guest offset=40 align=1 (local.get $subscription)) (i32.const 1))
      (then (return (local.get $timeout))))
    (local.set $timeout (i64.add (local.get $timeout) (global.get $clock)))
    (if (i64.lt_u (local.get $timeout) (global.get $clock))  ;; wrapped: as late as can be
      (then (return (i64.const -1))))
    (local.get $timeout))

  ;; Returns at once: the clock moves on to when the first subscription is due, and those due by then
  ;; are reported. A clock that stood still would make a sleeping Go program spin until its fuel ends.
  (func $wasi.poll_oneoff (param $in i32) (param $out i32) (param $count i32) (param $fired i32)
    (result i32)
    (local $i i32)
    (local $subscription i32)
    (local $first i64)
    (local $events i32)
    (call $guard_open)
    (if (i32.eqz (local.get $count)) (then (return (i32.const ${ERRNO_INVAL}))))
    (drop (call $clock_now))
    (local.set $first (i64.const -1))
    (local.set $subscription (local.get $in))
    (loop $earliest
      (if (i64.lt_u (call $due (local.get $subscription)) (local.get $first))
        (then (local.set $first (call $due (local.get $subscription)))))
      (local.set $subscription (i32.add (local.get $subscription) (i32.const 48)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $earliest (i32.lt_u (local.get $i) (local.get $count))))
    (local.set $i (i32.const 0))
    (local.set $subscription (local.get $in))
    (loop $report
      (if (i64.le_u (call $due (local.get $subscription)) (local.get $first))
        (then
          (memory.fill $guest (local.get $out) (i32.const 0) (i32.const 32))
          (memory.copy $guest $guest (local.get $out) (local.get $subscription) (i32.const 8))
          (if (i32.load8_u $guest offset=8 (local.get $subscription))
            (then (i32.store16 $guest offset=8 align=1 (local.get $out) (i32.const ${ERRNO_BADF}))))
          (i32.store8 $guest offset=10 (local.get $out)
            (i32.load8_u $guest offset=8 (local.get $subscription)))
          (local.set $out (i32.add (local.get $out) (i32.const 32)))
          (local.set $events (i32.add (local.get $events) (i32.const 1)))))
      (local.set $subscription (i32.add (local.get $subscription) (i32.const 48)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $report (i32.lt_u (local.get $i) (local.get $count))))
    (if (i64.gt_u (local.get $first) (global.get $clock))
      (then (global.set $clock (local.get $first))))
    (i32.store $guest align=1 (local.get $fired) (local.get $events))
    (i32.const 0))

  ;; An observer has no business ending anything but itself: this ends the delivery.
  (func $wasi.proc_exit (param $code i32)
    (call $guard_open)
    (i32.store $box (i32.const ${OUT_EXIT}) (local.get $code))
    (i32.store $box (i32.const ${OUT_PHASE}) (i32.const ${PHASE_EXIT}))
    (unreachable))
