;;! title = "Components in each other, a hundred deep"
;;! expect = "refused"
;;! reason = "levels of components|does not compile|exports no hook"
;;! thread = { expect = "refused", reason = "process|levels of components|does not compile|exports no hook" }

(component
  (component
    (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component (component ))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))
