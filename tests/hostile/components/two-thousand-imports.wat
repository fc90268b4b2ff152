;;! title = "Two thousand imports"
;;! expect = "refused"
;;! reason = "2,000 imports"
;;! thread = { expect = "refused", reason = "process|2,000 imports" }

(component
  (;repeat 2000;)
  (import "i$i"
    (instance))
  (;end;))
