// Package panics tells the host why a hook panicked, then traps.
//
// Left alone, a panic of Go arrives as well: the host takes what the runtime writes to standard error. But
// that is a page for a person at a terminal. Here it becomes one line, the message and the place.
package panics

import (
	"runtime"
	"strconv"
	"strings"

	"wasmhost/observer/internal/raw"
)

// Exact is a panic whose words are for the operator: nothing is put behind them.
type Exact string

// Tell reports what was recovered and traps. It is called by the deferred function itself, while the stack
// that panicked is still there.
func Tell(cause any) {
	if words, ok := cause.(Exact); ok {
		raw.PanicReport(string(words))
		raw.Trap()
	}
	words, ok := Words(cause)
	if !ok {
		panic(cause) // The runtime can print any value; it does so on standard error.
	}
	raw.PanicReport(words + place())
	raw.Trap()
}

// Words are those of a panic's value, as far as they can be had without fmt, which is bigger than most
// observers.
func Words(cause any) (string, bool) {
	switch value := cause.(type) {
	case string:
		return value, true
	case error:
		return value.Error(), true
	case interface{ String() string }:
		return value.String(), true
	case int:
		return strconv.Itoa(value), true
	}
	return "", false
}

// place is where the panic began, as " (file.go:12)": the innermost frame that is the author's.
func place() string {
	var counters [64]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(1, counters[:])])
	for {
		frame, more := frames.Next()
		if frame.Function != "" && !isOurs(frame.Function) {
			return " (" + base(frame.File) + ":" + strconv.Itoa(frame.Line) + ")"
		}
		if !more {
			return ""
		}
	}
}

// isOurs is whether a function is between the author and the panic: the runtime's, the SDK's, or of the
// package sync, which passes panics on.
func isOurs(function string) bool {
	return strings.HasPrefix(function, "runtime.") ||
		strings.HasPrefix(function, "sync.") ||
		strings.HasPrefix(function, "wasmhost/observer/") ||
		strings.HasPrefix(function, "wasmhost/observer.")
}

func base(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}
