;; The raw ABI: wit/capabilities.wit as the canonical ABI lowers it to core Wasm. A text or a list is a
;; pointer and a size. What does not fit a core value is written to a return area, whose place is the last
;; parameter: those two imports are called $raw.…, and capabilities.wat has them in a form to use.
;;
;; One import a line. Only those that are used get into a module, so that it asks for no more than it needs.
(import "wasmhost:observer/log@0.1.0" "write" (func $log.write (param $level i32) (param $line i32) (param $size i32)))
(import "wasmhost:observer/panic@0.1.0" "report" (func $panic.report (param $words i32) (param $size i32)))
(import "wasmhost:observer/delivery@0.1.0" "now" (func $delivery.now (result i64)))
(import "wasmhost:observer/delivery@0.1.0" "sequence" (func $delivery.sequence (result i64)))
(import "wasmhost:observer/delivery@0.1.0" "lost" (func $delivery.lost (result i64)))
(import "wasmhost:observer/delivery@0.1.0" "random" (func $delivery.random (result i64)))
(import "wasmhost:observer/config@0.1.0" "get" (func $raw.config.get (param $key i32) (param $size i32) (param $area i32)))
(import "wasmhost:observer/state@0.1.0" "load" (func $raw.state.load (param $area i32)))
(import "wasmhost:observer/state@0.1.0" "save" (func $state.save (param $blob i32) (param $size i32)))
(import "wasmhost:observer/metrics@0.1.0" "counter-add" (func $metrics.counter-add (param $name i32) (param $size i32) (param $by i64)))
(import "wasmhost:observer/metrics@0.1.0" "gauge-set" (func $metrics.gauge-set (param $name i32) (param $size i32) (param $value f64)))
(import "wasmhost:observer/report@0.1.0" "send" (func $report.send (param $topic i32) (param $topic_size i32) (param $body i32) (param $body_size i32)))
