;;! title = "A component with nothing in it"
;;! expect = "refused"
;;! reason = "exports no hook"
;;! thread = { expect = "refused", reason = "process|exports no hook" }

(component)
