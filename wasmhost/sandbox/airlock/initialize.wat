
  ;; Part of the back, for guests with a start of their own: called once, when imports work. It may
  ;; log and look around; a report, a metric or a save is refused, as it would come anew at each restart.
  (func $initialize (export "initialize")
    (call $begin (i32.const ${PHASE_INIT}))
    (global.set $open (i32.const ${OPEN_INIT}))
    (call $guest_initialize)
    (global.set $open (i32.const ${SHUT}))
    (i32.store $box (i32.const ${OUT_PHASE}) (i32.const ${PHASE_IDLE})))
