;; Memory for what passes through, one thing at a time: what a function returns at 0, what it is given from 16 on.
(core module $room-module
  (memory (export "memory") 1)
  (func (export "realloc") (param $old i32) (param $old-size i32) (param $alignment i32) (param $size i32) (result i32)
    (local $pages-short i32)
    ;; (16 + size + 65535) / 65536 pages are needed; the size is at most that of the caller's memory.
    (local.set $pages-short
      (i32.sub
        (i32.shr_u (i32.add (local.get $size) (i32.const 65551)) (i32.const 16))
        (memory.size)))
    (if (i32.gt_s (local.get $pages-short) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $pages-short)) (i32.const -1)) (then unreachable))))
    (i32.const 16)))
(core instance $room (instantiate $room-module))
(alias core export $room "memory" (core memory $memory))
(alias core export $room "realloc" (core func $realloc))
