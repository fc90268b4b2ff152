;;! title = "Components in each other, a hundred deep"
;;! expect = "refused"
;;! reason = "does not compile|exports no hook"
;;! thread = { expect = "refused", reason = "process" }

(component
  (component
    (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
