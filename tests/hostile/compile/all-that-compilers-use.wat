;;! title = "Vectors, multiple values, tail calls, references: what decent compilers make is let in"
;;! expect = "harmless"

(module
  (memory (export "memory") 3)
  ;; An event has the third page to itself.
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 131072))
  (table 2 funcref)
  (elem declare func $f)
  (func $f)
  (func (result i32 i32) (i32.const 1) (i32.const 2))
  (func (result v128) (i8x16.splat (i32.extend8_s (i32.trunc_sat_f64_s (f64.const 1)))))
  (func (table.set (i32.const 0) (ref.func $f)))
  (func (return_call $f))
  (func (export "wasmhost:observer/webrtc@0.1.0#on-webrtc-connected") (param $p i32) (param $n i32)))
