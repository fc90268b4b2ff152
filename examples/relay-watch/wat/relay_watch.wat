;; relay-watch: reports when the share of relayed WebRTC connections in a realm crosses a threshold. See
;; ../README.md for its configuration and its report, which is the same, byte for byte, in every language.
;;
;; Memory of its own:
;;
;;   0x0400  the realms, 64 of 32 bytes:
;;           {id: u32 at 0, above: u32 at 4, total: u64 at 8, relayed: u64 at 16, last: u64 at 24}
;;           `above` is 1 when its share was at or over the threshold, as reported last; `last` says when
;;           it last had a connection, on the clock below
;;   0x0c00  where they end

(global $realms i32 (i32.const 0x0400))
(global $realms.most i32 (i32.const 0x0c00))

;; Where the realms that are known end.
(global $realms.end (mut i32) (i32.const 0x0400))
;; Connections counted so far: the observer's own clock.
(global $clock (mut i64) (i64.const 0))
;; The threshold in thousandths; -1 until the configuration is read.
(global $threshold (mut i64) (i64.const -1))
(global $min-connections (mut i64) (i64.const 0))

;; ---- configuration -----------------------------------------------------------------------------

(func $read-config
  (local $share i32) (local $size i32)
  (call $config.get (text "threshold"))
  (local.set $size)
  (local.set $share)
  (global.set $threshold (i64.const 300))
  (if (local.get $share)
    (then
      (global.set $threshold (call $permille (local.get $share) (local.get $size)))
      (if (i64.gt_u (global.get $threshold) (i64.const 1000))
        (then
          (call $config.refuse (text "threshold") (local.get $share) (local.get $size)
            (text "a share from 0 to 1 with at most three decimals is wanted"))))))
  (global.set $min-connections (call $config.u64 (text "min-connections") (i64.const 10))))

;; A share from 0 to 1, written with at most three decimals, in thousandths; more than 1000 where it is none.
(func $permille (param $text i32) (param $size i32) (result i64)
  (local $place i32) (local $digit i64) (local $value i64)
  (block $wrong
    ;; One digit, or one and a point and one to three.
    (if (i32.ne (local.get $size) (i32.const 1))
      (then
        (br_if $wrong
          (i32.gt_u (i32.sub (local.get $size) (i32.const 3)) (i32.const 2)))
        (br_if $wrong
          (i32.ne (i32.load8_u offset=1 (local.get $text)) (i32.const 46)))))
    (loop $places
      (local.set $digit (i64.const 0))
      (if (i32.lt_u (local.get $place) (local.get $size))
        (then
          (local.set $digit
            (i64.sub
              (i64.load8_u (i32.add (local.get $text) (local.get $place)))
              (i64.const 48)))))
      (br_if $wrong (i64.gt_u (local.get $digit) (i64.const 9)))
      (local.set $value
        (i64.add (i64.mul (local.get $value) (i64.const 10)) (local.get $digit)))
      ;; From 0 over the point to 2.
      (local.set $place
        (i32.add (local.get $place)
          (select (i32.const 1) (i32.const 2) (local.get $place))))
      (br_if $places (i32.lt_u (local.get $place) (i32.const 5))))
    (return (local.get $value)))
  (i64.const -1))

;; ---- realms ------------------------------------------------------------------------------------

;; The place of a realm; one that is not known begins with nothing counted.
(func $find-realm (param $id i32) (result i32)
  (local $realm i32)
  (local.set $realm (global.get $realms))
  (block $unknown
    (loop $next
      (br_if $unknown (i32.eq (local.get $realm) (global.get $realms.end)))
      (if (i32.eq (i32.load (local.get $realm)) (local.get $id))
        (then (return (local.get $realm))))
      (local.set $realm (i32.add (local.get $realm) (i32.const 32)))
      (br $next)))
  (local.set $realm (call $vacancy))
  (memory.fill (local.get $realm) (i32.const 0) (i32.const 32))
  (i32.store (local.get $realm) (local.get $id))
  (local.get $realm))

;; Room for one more realm: where all is taken, that of the one which was quiet for longest.
(func $vacancy (result i32)
  (local $realm i32) (local $quietest i32)
  (local.set $realm (global.get $realms.end))
  (if (i32.lt_u (local.get $realm) (global.get $realms.most))
    (then
      (global.set $realms.end (i32.add (local.get $realm) (i32.const 32)))
      (return (local.get $realm))))
  (local.set $realm (global.get $realms))
  (local.set $quietest (local.get $realm))
  (loop $next
    (if (i64.lt_u
          (i64.load offset=24 (local.get $realm))
          (i64.load offset=24 (local.get $quietest)))
      (then (local.set $quietest (local.get $realm))))
    (local.set $realm (i32.add (local.get $realm) (i32.const 32)))
    (br_if $next (i32.ne (local.get $realm) (global.get $realms.most))))
  (local.get $quietest))

(func $report (param $realm i32)
  (call $write.begin)
  (call $write.map (i32.const 5))
  (call $write.text (text "realm"))
  (call $write.uint (i64.load32_u (local.get $realm)))
  (call $write.text (text "total"))
  (call $write.uint (i64.load offset=8 (local.get $realm)))
  (call $write.text (text "crossed"))
  (if (i32.load offset=4 (local.get $realm))
    (then (call $write.text (text "above")))
    (else (call $write.text (text "below"))))
  (call $write.text (text "relayed"))
  (call $write.uint (i64.load offset=16 (local.get $realm)))
  (call $write.text (text "share-permille"))
  (call $write.uint
    (i64.div_u
      (i64.mul (i64.load offset=16 (local.get $realm)) (i64.const 1000))
      (i64.load offset=8 (local.get $realm))))
  (call $report.send (text "relay-share") (call $write.end)))

;; ---- the hook ----------------------------------------------------------------------------------

(func $on-webrtc-connected
  (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $at i32) (param $size i32)
  (local $relayed i32)
  (if (i64.eq (global.get $threshold) (i64.const -1)) (then (call $read-config)))
  (call $begin (local.get $at) (local.get $size) (text "on-webrtc-connected"))
  ;; A node that does not say whether a connection is relayed is no evidence either way.
  (local.set $relayed (call $read.find (global.get $event) (text "relayed")))
  (if (local.get $relayed)
    (then (call $count (call $observer-realm) (call $read.bool (local.get $relayed)))))
  (call $end))

;; The realm of the node that observed the event.
(func $observer-realm (result i32)
  (call $read.u32
    (call $read.get
      (call $read.get
        (call $read.get (global.get $ctx) (text "self-id"))
        (text "realm"))
      (text "realm-id"))))

;; Counts a connection, and reports where the share has crossed the threshold by it.
(func $count (param $id i32) (param $relayed i32)
  (local $realm i32) (local $total i64) (local $all-relayed i64) (local $above i32)
  (local.set $realm (call $find-realm (local.get $id)))
  (local.set $total (i64.add (i64.load offset=8 (local.get $realm)) (i64.const 1)))
  (local.set $all-relayed
    (i64.add
      (i64.load offset=16 (local.get $realm))
      (i64.extend_i32_u (local.get $relayed))))
  (global.set $clock (i64.add (global.get $clock) (i64.const 1)))
  (i64.store offset=8 (local.get $realm) (local.get $total))
  (i64.store offset=16 (local.get $realm) (local.get $all-relayed))
  (i64.store offset=24 (local.get $realm) (global.get $clock))
  (if (i64.lt_u (local.get $total) (global.get $min-connections)) (then (return)))
  (local.set $above
    (i64.ge_u
      (i64.mul (local.get $all-relayed) (i64.const 1000))
      (i64.mul (global.get $threshold) (local.get $total))))
  (if (i32.eq (local.get $above) (i32.load offset=4 (local.get $realm))) (then (return)))
  (i32.store offset=4 (local.get $realm) (local.get $above))
  (call $report (local.get $realm)))
