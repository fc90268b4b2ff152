//go:build !wasm

package raw

import "unsafe"

// Elsewhere, where `go test` runs an observer's own tests, there is no host: the functions exist and say so.

const nowhere = "the host's functions are there inside wasmhost only"

func LogWrite(uint32, string)                   { panic(nowhere) }
func PanicReport(string)                        { panic(nowhere) }
func DeliveryNow() uint64                       { panic(nowhere) }
func DeliverySequence() uint64                  { panic(nowhere) }
func DeliveryLost() uint64                      { panic(nowhere) }
func DeliveryRandom() uint64                    { panic(nowhere) }
func ConfigGet(string, unsafe.Pointer)          { panic(nowhere) }
func StateLoad(unsafe.Pointer)                  { panic(nowhere) }
func StateSave(unsafe.Pointer, uint32)          { panic(nowhere) }
func MetricsCounterAdd(string, uint64)          { panic(nowhere) }
func MetricsGaugeSet(string, float64)           { panic(nowhere) }
func ReportSend(string, unsafe.Pointer, uint32) { panic(nowhere) }
func Trap()                                     { panic(nowhere) }
