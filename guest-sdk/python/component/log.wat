(import "wasmhost:observer/log@0.1.0" (instance $log
  (type $levels (enum "trace" "debug" "info" "warn" "error"))
  (export "level" (type $level (eq $levels)))
  (export "write" (func (param "level" $level) (param "message" string)))))
