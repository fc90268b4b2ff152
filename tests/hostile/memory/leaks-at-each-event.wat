;;! title = "Takes a page more at each event and gives none back"
;;! expect = "harmless"
;;! events = 100
;;! alone = true

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)
    (drop (memory.grow (i32.const 1)))))
