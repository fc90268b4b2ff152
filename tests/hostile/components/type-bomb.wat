;;! title = "A type that has as many parts as two to the power of sixty"
;;! expect = "refused"
;;! reason = "another type|does not offer|does not compile|must be"
;;! thread = { expect = "refused", reason = "process|another type|does not offer|does not compile|must be" }

(component
  (type $t0
    (result u8 (error u8)))
  (type $t1
    (result $t0 (error $t0)))
  (type $t2
    (result $t1 (error $t1)))
  (type $t3
    (result $t2 (error $t2)))
  (type $t4
    (result $t3 (error $t3)))
  (type $t5
    (result $t4 (error $t4)))
  (type $t6
    (result $t5 (error $t5)))
  (type $t7
    (result $t6 (error $t6)))
  (type $t8
    (result $t7 (error $t7)))
  (type $t9
    (result $t8 (error $t8)))
  (type $t10
    (result $t9 (error $t9)))
  (type $t11
    (result $t10 (error $t10)))
  (type $t12
    (result $t11 (error $t11)))
  (type $t13
    (result $t12 (error $t12)))
  (type $t14
    (result $t13 (error $t13)))
  (type $t15
    (result $t14 (error $t14)))
  (type $t16
    (result $t15 (error $t15)))
  (import "wasmhost:observer/log@0.1.0"
    (instance (alias outer 1 $t16 (type $t)) (export "big" (type $b (eq $t))) (type $f (func (param "level" $b))) (export "write" (func (type $f))))))
