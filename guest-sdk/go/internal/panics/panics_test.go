package panics

import (
	"errors"
	"runtime"
	"strconv"
	"sync"
	"testing"
)

// told is what is told of the panic of a function.
func told(f func()) (words string, ok bool) {
	defer func() { words, ok = Tell(recover()) }()
	f()
	return "nothing", false
}

type named int

func (named) String() string { return "a name" }

func TestAPanicIsToldWithItsPlace(t *testing.T) {
	// The functions here are the SDK's own, so the first that could be the author's is the test runner's.
	_, file, line, _ := runtime.Caller(1)
	where := " (" + base(file) + ":" + strconv.Itoa(line) + ")"
	for words, cause := range map[string]any{
		"no such peer": "no such peer", "it failed": errors.New("it failed"), "a name": named(1), "7": 7,
	} {
		if said, ok := told(func() { panic(cause) }); !ok || said != words+where {
			t.Errorf("%v is told as %q", cause, said)
		}
	}
}

func TestWordsForTheOperatorStayAsTheyAre(t *testing.T) {
	if said, ok := told(func() { panic(Exact("no such key")) }); !ok || said != "no such key" {
		t.Errorf("told as %q", said)
	}
}

func TestWhatHasNoWordsIsLeftToTheRuntime(t *testing.T) {
	if said, ok := told(func() { panic([]int{1}) }); ok {
		t.Errorf("told as %q", said)
	}
}

func TestOnlyTheAuthorsFramesAreAPlace(t *testing.T) {
	for _, function := range []string{
		"runtime.gopanic", "wasmhost/observer/internal/event.Record.find", "wasmhost/observer.PeerEvent.Peer",
	} {
		if !isBetween(function, "x.go") {
			t.Errorf("%s is taken for the author's", function)
		}
	}
	for _, function := range []string{"main.connected", "wasmhost/observers.f", "my-watch/runtime.f"} {
		if isBetween(function, "x.go") {
			t.Errorf("%s is not taken for the author's", function)
		}
	}
}

func TestWhatPassesPanicsOnIsNoPlace(t *testing.T) {
	var files []string
	once := sync.OnceValue(func() int { panic("again") })
	defer func() {
		recover()
		var counters [64]uintptr
		frames := runtime.CallersFrames(counters[:runtime.Callers(1, counters[:])])
		for more := true; more; {
			var frame runtime.Frame
			frame, more = frames.Next()
			if base(frame.File) == "oncefunc.go" {
				files = append(files, frame.File)
			}
		}
		if len(files) == 0 || !isBetween("main.init.OnceValue[go.shape.int].func2", files[0]) {
			t.Errorf("%v are taken for the author's", files)
		}
	}()
	once()
}
