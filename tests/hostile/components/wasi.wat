;;! title = "Imports real WASI"
;;! expect = "refused"
;;! reason = "wasi:cli/environment"
;;! thread = { expect = "refused", reason = "process|wasi:cli/environment" }

(component
  (import "wasi:cli/environment@0.2.0"
    (instance)))
