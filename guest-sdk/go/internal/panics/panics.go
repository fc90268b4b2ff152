// Package panics has the words in which a panic is told to the host.
//
// Left alone, a panic of Go arrives as well: the host takes what the runtime writes to standard error. But
// that is a page for a person at a terminal. Here it is one line, the message and the place.
package panics

import (
	"runtime"
	"strconv"
	"strings"
)

// Exact is a panic whose words are for the operator: nothing is put behind them.
type Exact string

// Error makes it an error, so that the runtime, too, writes it in its own words: in an init function.
func (e Exact) Error() string { return string(e) }

// Tell is what to tell of a panic's value, as far as that can be had without fmt, which is bigger than most
// observers. It is to be called while the stack that panicked is still there: by a deferred function.
func Tell(cause any) (words string, ok bool) {
	switch value := cause.(type) {
	case Exact:
		return string(value), true
	case string:
		return value + place(), true
	case error:
		return value.Error() + place(), true
	case interface{ String() string }:
		return value.String() + place(), true
	case int:
		return strconv.Itoa(value) + place(), true
	}
	return "", false
}

// place is where the panic began, as " (file.go:12)": the innermost frame that is the author's.
func place() string {
	var counters [64]uintptr
	frames := runtime.CallersFrames(counters[:runtime.Callers(1, counters[:])])
	for {
		frame, more := frames.Next()
		if frame.Function != "" && !isBetween(frame.Function, frame.File) {
			return " (" + base(frame.File) + ":" + strconv.Itoa(frame.Line) + ")"
		}
		if !more {
			return ""
		}
	}
}

// isBetween is whether a function is between the author and the panic: the runtime's, the SDK's, or what
// passes panics on in the package sync, whatever the compiler made of its name.
func isBetween(function, file string) bool {
	return strings.HasPrefix(function, "runtime.") ||
		strings.HasPrefix(function, "wasmhost/observer/") ||
		strings.HasPrefix(function, "wasmhost/observer.") ||
		strings.HasSuffix(file, "sync/oncefunc.go")
}

func base(path string) string {
	return path[strings.LastIndexByte(path, '/')+1:]
}
