package config

import (
	"math"
	"testing"

	"wasmhost/observer/internal/panics"
)

func TestNumbers(t *testing.T) {
	for text, expected := range map[string]uint64{
		"0": 0, "007": 7, "18446744073709551615": math.MaxUint64,
	} {
		if value, ok := parse(text); !ok || value != expected {
			t.Errorf("%q is read as %d", text, value)
		}
	}
	for _, text := range []string{
		"", "-1", "+1", "1.0", "0x1", "1_0", " 1", "１", "18446744073709551616", "99999999999999999999",
	} {
		if value, ok := parse(text); ok {
			t.Errorf("%q is read as %d", text, value)
		}
	}
}

func TestAValueThatCannotBeUsedIsNamed(t *testing.T) {
	defer func() {
		if cause := recover(); cause != panics.Exact(`config n: a whole number is wanted, not "x"`) {
			t.Errorf("panics with %v", cause)
		}
	}()
	Refuse("n", "x", "a whole number is wanted")
}
