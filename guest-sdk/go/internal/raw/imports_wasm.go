package raw

import "unsafe"

//go:wasmimport wasmhost:observer/log@0.1.0 write
func LogWrite(level uint32, message string)

//go:wasmimport wasmhost:observer/panic@0.1.0 report
func PanicReport(message string)

//go:wasmimport wasmhost:observer/delivery@0.1.0 now
func DeliveryNow() uint64

//go:wasmimport wasmhost:observer/delivery@0.1.0 sequence
func DeliverySequence() uint64

//go:wasmimport wasmhost:observer/delivery@0.1.0 lost
func DeliveryLost() uint64

//go:wasmimport wasmhost:observer/delivery@0.1.0 random
func DeliveryRandom() uint64

//go:wasmimport wasmhost:observer/config@0.1.0 get
func ConfigGet(key string, value unsafe.Pointer)

//go:wasmimport wasmhost:observer/state@0.1.0 load
func StateLoad(blob unsafe.Pointer)

//go:wasmimport wasmhost:observer/state@0.1.0 save
func StateSave(blob unsafe.Pointer, size uint32)

//go:wasmimport wasmhost:observer/metrics@0.1.0 counter-add
func MetricsCounterAdd(name string, by uint64)

//go:wasmimport wasmhost:observer/metrics@0.1.0 gauge-set
func MetricsGaugeSet(name string, value float64)

//go:wasmimport wasmhost:observer/report@0.1.0 send
func ReportSend(topic string, body unsafe.Pointer, size uint32)

// Trap ends the delivery, and with it the sandbox.
func Trap()
