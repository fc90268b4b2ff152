;; The back of the airlock: instantiated last, when front and guest are there.
;;
;; Two memories meet here: $guest, which is the guest's and may hold anything, and $box, which is
;; ours. Three rules keep the border:
;;
;;   1. A pointer or a length from the guest is used on $guest only, by instructions that check it
;;      (a load, a store, memory.copy). What is out of bounds traps here, in the sandbox.
;;   2. An offset into $box is a constant of ours plus something this file has bounded.
;;   3. $open says whether the guest may call imports now. It may not while cabi_realloc or a
;;      post-return runs: those run in the middle of our own work.
;;
;; Whatever traps, traps the whole delivery; the host then throws all three instances away.
(module ${MODULE_NAME}
  (import "guest" "memory" (memory $guest 0))
  (import "front" "box" (memory $box ${BOX_PAGES} ${BOX_PAGES}))
  (import "front" "table" (table $table ${TABLE_SIZE} ${TABLE_SIZE} funcref))
  (import "guest" "cabi_realloc" (func $cabi_realloc (param i32 i32 i32 i32) (result i32)))
${GUEST_IMPORTS}

  ;; What the guest may call now: nothing, only what initialisation may, or all.
  (global $open (mut i32) (i32.const ${SHUT}))
  ;; The random stream of this delivery, seeded when it is first asked.
  (global $random_ready (mut i32) (i32.const 0))
  (global $random_state (mut i64) (i64.const 0))

${ELEMENTS}

  ;; ---- guards -------------------------------------------------------------------------------

  (func $guard_open
    (if (i32.eqz (global.get $open)) (then (unreachable))))

  ;; Trap unless all of [pointer, pointer + length) lies in the guest's memory, and an empty range at
  ;; least at its end: the canonical ABI's rule. Needed wherever we copy less than the guest said, or
  ;; nothing: a lie is a trap even when it would do no harm. The sum is made in 64 bits.
  (func $guard_range (param $pointer i32) (param $length i32)
    (if (i64.gt_u
          (i64.add (i64.extend_i32_u (local.get $pointer)) (i64.extend_i32_u (local.get $length)))
          (i64.shl (i64.extend_i32_u (memory.size $guest)) (i64.const 16)))
      (then
        (drop (i32.load8_u $guest (i32.const -1)))  ;; so that the trap is of the right kind
        (unreachable))))                            ;; and there is one in a memory of 4 GiB too

  ;; The canonical ABI traps on a pointer that is not aligned for what it points at.
  (func $guard_aligned (param $pointer i32)
    (if (i32.and (local.get $pointer) (i32.const 3)) (then (unreachable))))

  ;; Where an import writes its option<_>: 12 bytes, a case, a pointer and a length.
  (func $guard_option (param $result i32)
    (call $guard_aligned (local.get $result))
    (call $guard_range (local.get $result) (i32.const 12)))

  ;; Room in the guest for bytes of ours. That it is in bounds, memory.copy checks. Null is no room:
  ;; it is how an allocator says that it has none, and writing there would hide that.
  (func $allocate (param $length i32) (result i32)
    (local $pointer i32)
    (local.set $pointer
      (call $cabi_realloc (i32.const 0) (i32.const 0) (i32.const 1) (local.get $length)))
    (if (i32.and (i32.eqz (local.get $pointer)) (i32.ne (local.get $length) (i32.const 0)))
      (then (unreachable)))
    (local.get $pointer))

  (func $count (param $counter i32)
    (i32.store $box (local.get $counter)
      (i32.add (i32.load $box (local.get $counter)) (i32.const 1))))

  (func $at_most (param $value i32) (param $limit i32) (result i32)
    (select (local.get $value) (local.get $limit) (i32.le_u (local.get $value) (local.get $limit))))

  ;; ---- the outbox ---------------------------------------------------------------------------

  ;; Make room for a record of two byte strings and write its header. Gives the place in the box for
  ;; its bytes, or 0 where the outbox is full: then $counter has gone up by one instead. The sum is
  ;; made in 64 bits, as each length may be anything up to 4 GiB.
  (func $open_record (param $kind i32) (param $first i32) (param $second i32) (param $counter i32)
    (result i32)
    (local $start i32)
    (local $end i64)
    (local.set $start (i32.load $box (i32.const ${OUT_LENGTH})))
    (local.set $end
      (i64.add
        (i64.extend_i32_u (i32.add (local.get $start) (i32.const ${RECORD_BYTES})))
        (i64.add (i64.extend_i32_u (local.get $first)) (i64.extend_i32_u (local.get $second)))))
    (if (i64.gt_u (local.get $end) (i64.const ${AREA_BYTES}))
      (then (call $count (local.get $counter)) (return (i32.const 0))))
    (i32.store $box (i32.const ${OUT_LENGTH}) (i32.wrap_i64 (local.get $end)))
    (local.set $start (i32.add (local.get $start) (i32.const ${OUTBOX})))
    (i32.store $box (local.get $start) (local.get $kind))
    (i32.store $box offset=4 (local.get $start) (local.get $first))
    (i32.store $box offset=8 (local.get $start) (local.get $second))
    (i32.add (local.get $start) (i32.const ${RECORD_BYTES})))

  ;; Whether a report or a metric may be made now, and has a name of a sane length.
  (func $may_record (param $name i32) (param $length i32) (result i32)
    (call $guard_open)
    (call $guard_range (local.get $name) (local.get $length))
    (if (i32.or (i32.ne (global.get $open) (i32.const ${OPEN_ALL}))
                (i32.gt_u (local.get $length) (i32.const ${NAME_BYTES})))
      (then (call $count (i32.const ${OUT_DROPPED})) (return (i32.const 0))))
    (i32.const 1))

  ;; Copy the guest's text into a fixed slot of the box, cut to the slot; gives what was kept.
  (func $keep_text (param $slot i32) (param $text i32) (param $length i32) (result i32)
    (call $guard_range (local.get $text) (local.get $length))
    (local.set $length (call $at_most (local.get $length) (i32.const ${TEXT_BYTES})))
    (memory.copy $box $guest (local.get $slot) (local.get $text) (local.get $length))
    (local.get $length))

  ;; ---- capabilities: wit/capabilities.wit ---------------------------------------------------

  (func $log.write (param $level i32) (param $text i32) (param $length i32)
    (local $place i32)
    (call $guard_open)
    (if (i32.gt_u (local.get $level) (i32.const 4)) (then (unreachable)))  ;; no such enum case
    (call $guard_range (local.get $text) (local.get $length))
    (local.set $length (call $at_most (local.get $length) (i32.const ${TEXT_BYTES})))
    (local.set $place
      (call $open_record
        (i32.or (i32.const ${LOG}) (i32.shl (local.get $level) (i32.const 8)))
        (local.get $length) (i32.const 0) (i32.const ${OUT_LOGS_DROPPED})))
    (if (local.get $place)
      (then (memory.copy $box $guest (local.get $place) (local.get $text) (local.get $length)))))

  ;; The last one counts, so it has a slot of its own that no flood of records can fill.
  (func $panic.report (param $text i32) (param $length i32)
    (call $guard_open)
    (i32.store $box (i32.const ${OUT_PANIC_LENGTH})
      (call $keep_text (i32.const ${PANIC}) (local.get $text) (local.get $length))))

  (func $delivery.now (result i64)
    (call $guard_open)
    (i64.load $box (i32.const ${IN_AT})))

  (func $delivery.sequence (result i64)
    (call $guard_open)
    (i64.load $box (i32.const ${IN_SEQ})))

  (func $delivery.lost (result i64)
    (call $guard_open)
    (i64.load $box (i32.const ${IN_LOST})))

  (func $delivery.random (result i64)
    (call $guard_open)
    (call $next_random))

  ;; The finaliser of splitmix64 (Steele, Lea and Flood 2014): every input bit moves every output bit.
  (func $mix (param $x i64) (result i64)
    (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 30)))
                           (i64.const 0xbf58476d1ce4e5b9)))
    (local.set $x (i64.mul (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 27)))
                           (i64.const 0x94d049bb133111eb)))
    (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 31))))

  ;; splitmix64. The sequence number is mixed before it is joined to the seed: were it added, the
  ;; streams of neighbouring events would be the same stream, one step apart.
  (func $next_random (result i64)
    (if (i32.eqz (global.get $random_ready))
      (then
        (global.set $random_ready (i32.const 1))
        (global.set $random_state
          (call $mix (i64.xor (i64.load $box (i32.const ${IN_SEED}))
                              (call $mix (i64.load $box (i32.const ${IN_SEQ}))))))))
    (global.set $random_state
      (i64.add (global.get $random_state) (i64.const 0x9e3779b97f4a7c15)))
    (call $mix (global.get $random_state)))

  ;; Answer an import that returns option<list<u8>> or option<string>: allocate in the guest, copy,
  ;; and write the option where the guest wants it. The guest's allocator is the guest's code, so
  ;; imports are shut meanwhile and the phase says where we are.
  (func $answer (param $result i32) (param $place i32) (param $length i32)
    (local $open i32)
    (local $phase i32)
    (local $pointer i32)
    (local.set $open (global.get $open))
    (local.set $phase (i32.load $box (i32.const ${OUT_PHASE})))
    (global.set $open (i32.const ${SHUT}))
    (i32.store $box (i32.const ${OUT_PHASE}) (i32.const ${PHASE_GRANT}))
    (local.set $pointer (call $allocate (local.get $length)))
    (memory.copy $guest $box (local.get $pointer) (local.get $place) (local.get $length))
    (i32.store $box (i32.const ${OUT_PHASE}) (local.get $phase))
    (global.set $open (local.get $open))
    (i32.store8 $guest (local.get $result) (i32.const 1))
    (i32.store $guest offset=4 (local.get $result) (local.get $pointer))
    (i32.store $guest offset=8 (local.get $result) (local.get $length)))

  ;; Whether the guest's key equals the key at $place in the box, both $length bytes long.
  (func $same_key (param $key i32) (param $place i32) (param $length i32) (result i32)
    (local $i i32)
    (loop $next
      (if (i32.ge_u (local.get $i) (local.get $length)) (then (return (i32.const 1))))
      (if (i32.ne (i32.load8_u $guest (i32.add (local.get $key) (local.get $i)))
                  (i32.load8_u $box (i32.add (local.get $place) (local.get $i))))
        (then (return (i32.const 0))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next))
    (unreachable))

  ;; The config area is a list of (key length, value length, key, value) that the host wrote, and
  ;; that the guest cannot reach: its lengths are trusted.
  (func $config.get (param $key i32) (param $length i32) (param $result i32)
    (local $entry i32)
    (local $end i32)
    (local $value i32)
    (call $guard_open)
    (call $guard_range (local.get $key) (local.get $length))
    (call $guard_option (local.get $result))
    (i32.store8 $box (i32.const ${KEPT_CONFIG_USED}) (i32.const 1))
    (local.set $entry (i32.const ${CONFIG}))
    (local.set $end
      (i32.add (i32.const ${CONFIG}) (i32.load $box (i32.const ${KEPT_CONFIG_LENGTH}))))
    (block $absent
      (loop $next
        (br_if $absent (i32.ge_u (local.get $entry) (local.get $end)))
        (local.set $value
          (i32.add (i32.add (local.get $entry) (i32.const 8)) (i32.load $box (local.get $entry))))
        (if (i32.eq (i32.load $box (local.get $entry)) (local.get $length))
          (then
            (if (call $same_key (local.get $key) (i32.add (local.get $entry) (i32.const 8))
                                (local.get $length))
              (then
                (call $answer (local.get $result) (local.get $value)
                              (i32.load $box offset=4 (local.get $entry)))
                (return)))))
        (local.set $entry
          (i32.add (local.get $value) (i32.load $box offset=4 (local.get $entry))))
        (br $next)))
    (i32.store8 $guest (local.get $result) (i32.const 0)))

  (func $state.load (param $result i32)
    (call $guard_open)
    (call $guard_option (local.get $result))
    (i32.store8 $box (i32.const ${KEPT_STATE_USED}) (i32.const 1))
    (if (i32.load $box (i32.const ${KEPT_STATE_PRESENT}))
      (then (call $answer (local.get $result) (i32.const ${STATE})
                          (i32.load $box (i32.const ${KEPT_STATE_LENGTH}))))
      (else (i32.store8 $guest (local.get $result) (i32.const 0)))))

  ;; Overwrites the blob in the box at once, so that a load sees it. Should the hook trap, this box is
  ;; thrown away and the host still has the blob of the last hook that returned.
  (func $state.save (param $blob i32) (param $length i32)
    (call $guard_open)
    (call $guard_range (local.get $blob) (local.get $length))
    (if (i32.or (i32.ne (global.get $open) (i32.const ${OPEN_ALL}))
                (i32.gt_u (local.get $length) (i32.const ${AREA_BYTES})))
      (then (call $count (i32.const ${OUT_STATE_REFUSED})) (return)))
    (memory.copy $box $guest (i32.const ${STATE}) (local.get $blob) (local.get $length))
    (i32.store $box (i32.const ${KEPT_STATE_LENGTH}) (local.get $length))
    (i32.store $box (i32.const ${KEPT_STATE_PRESENT}) (i32.const 1))
    (i32.store $box (i32.const ${OUT_SAVED}) (i32.const 1)))

  (func $metrics.counter-add (param $name i32) (param $length i32) (param $by i64)
    (call $metric (i32.const ${COUNTER}) (local.get $name) (local.get $length) (local.get $by)))

  (func $metrics.gauge-set (param $name i32) (param $length i32) (param $value f64)
    (call $metric (i32.const ${GAUGE}) (local.get $name) (local.get $length)
                  (i64.reinterpret_f64 (local.get $value))))

  (func $metric (param $kind i32) (param $name i32) (param $length i32) (param $bits i64)
    (local $place i32)
    (if (i32.eqz (call $may_record (local.get $name) (local.get $length))) (then (return)))
    (local.set $place
      (call $open_record (local.get $kind) (local.get $length) (i32.const 8)
                         (i32.const ${OUT_DROPPED})))
    (if (i32.eqz (local.get $place)) (then (return)))
    (memory.copy $box $guest (local.get $place) (local.get $name) (local.get $length))
    (i64.store $box align=1 (i32.add (local.get $place) (local.get $length)) (local.get $bits)))

  ;; A report is whole or not there: half a CBOR item is worth nothing.
  (func $report.send (param $topic i32) (param $length i32) (param $body i32) (param $size i32)
    (local $place i32)
    (call $guard_range (local.get $body) (local.get $size))
    (if (i32.eqz (call $may_record (local.get $topic) (local.get $length))) (then (return)))
    (local.set $place
      (call $open_record (i32.const ${REPORT}) (local.get $length) (local.get $size)
                         (i32.const ${OUT_DROPPED})))
    (if (i32.eqz (local.get $place)) (then (return)))
    (memory.copy $box $guest (local.get $place) (local.get $topic) (local.get $length))
    (memory.copy $box $guest (i32.add (local.get $place) (local.get $length))
                 (local.get $body) (local.get $size)))

${WASI_FUNCTIONS}

  ;; ---- delivery -----------------------------------------------------------------------------

  ;; Say where we are. What the previous delivery left in the box the host has cleared.
  (func $begin (param $phase i32)
    (i32.store $box (i32.const ${OUT_PHASE}) (local.get $phase))
    (global.set $random_ready (i32.const 0)))

  ;; Read result<_, string> where the hook says it is: a byte for the case, then pointer and length.
  (func $lift_result (param $result i32)
    (local $case i32)
    (i32.store $box (i32.const ${OUT_PHASE}) (i32.const ${PHASE_LIFT}))
    (call $guard_aligned (local.get $result))
    (call $guard_range (local.get $result) (i32.const 12))
    (local.set $case (i32.load8_u $guest (local.get $result)))
    (if (i32.eqz (local.get $case)) (then (return)))
    (if (i32.ne (local.get $case) (i32.const 1)) (then (unreachable)))
    (i32.store $box (i32.const ${OUT_ERROR_LENGTH})
      (call $keep_text (i32.const ${ERROR}) (i32.load $guest offset=4 (local.get $result))
                                            (i32.load $guest offset=8 (local.get $result))))
    (i32.store $box (i32.const ${OUT_ERROR}) (i32.const 1)))

  ;; The host has written event and header into the box. Bring the event into the guest, call the
  ;; hook, and say whether there is anything to read in the box: most deliveries leave nothing.
  (func $deliver (export "deliver") (result i32)
    (local $event i32)
    (local $length i32)
    (call $begin (i32.const ${PHASE_LOWER}))
    (local.set $length (i32.load $box (i32.const ${IN_LENGTH})))
    (local.set $event (call $allocate (local.get $length)))
    (memory.copy $guest $box (local.get $event) (i32.const ${INBOX}) (local.get $length))
    (i32.store $box (i32.const ${OUT_PHASE}) (i32.const ${PHASE_HOOK}))
    (global.set $open (i32.const ${OPEN_ALL}))
    (call $dispatch (local.get $event) (local.get $length))
    (global.set $open (i32.const ${SHUT}))
    (i32.store $box (i32.const ${OUT_PHASE}) (i32.const ${PHASE_IDLE}))
    (i32.or
      (i32.or (i32.load $box (i32.const ${OUT_LENGTH})) (i32.load $box (i32.const ${OUT_ERROR})))
      (i64.ne (i64.const 0)
        (i64.or (i64.load $box (i32.const ${OUT_LOGS_DROPPED}))        ;; and OUT_DROPPED
          (i64.or (i64.load $box (i32.const ${OUT_SAVED}))             ;; and OUT_STATE_REFUSED
                  (i64.load $box (i32.const ${OUT_EXIT})))))))         ;; and OUT_PANIC_LENGTH

${DISPATCH}
${INITIALIZE}
)
