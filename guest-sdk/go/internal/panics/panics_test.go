package panics

import (
	"errors"
	"testing"
)

type named int

func (named) String() string { return "a name" }

func TestWords(t *testing.T) {
	for words, cause := range map[string]any{
		"no such peer": "no such peer", "it failed": errors.New("it failed"), "a name": named(1), "7": 7,
	} {
		if said, ok := Words(cause); !ok || said != words {
			t.Errorf("%v says %q", cause, said)
		}
	}
	if said, ok := Words([]int{1}); ok {
		t.Errorf("a slice says %q", said)
	}
}

func TestOnlyTheAuthorsFramesAreAPlace(t *testing.T) {
	for _, function := range []string{
		"runtime.gopanic", "sync.OnceValue[...].func1.1", "wasmhost/observer/internal/event.Record.find",
		"wasmhost/observer.PeerEvent.Peer",
	} {
		if !isOurs(function) {
			t.Errorf("%s is taken for the author's", function)
		}
	}
	for _, function := range []string{"main.connected", "wasmhost/observers.f", "syncer.f", "my-watch/runtime.f"} {
		if isOurs(function) {
			t.Errorf("%s is not taken for the author's", function)
		}
	}
}
