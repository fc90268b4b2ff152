// Package config has the operator's words for this observer.
package config

import (
	"wasmhost/observer/internal/memory"
	"wasmhost/observer/internal/panics"
)

// Get is the value of a key, where there is one.
func Get(key string) (value string, found bool) { return memory.Config(key) }

// Number is the value of a key as a whole number in decimal, otherwise where there is none. Anything else
// than such a number is a panic that names the key.
func Number(key string, otherwise uint64) uint64 {
	text, found := Get(key)
	if !found {
		return otherwise
	}
	value, ok := parse(text)
	if !ok {
		Refuse(key, text, "a whole number is wanted")
	}
	return value
}

// Refuse panics for a value that can't be used, in words the operator can act on.
func Refuse(key, value, wanted string) {
	panic(panics.Exact("config " + key + ": " + wanted + `, not "` + value + `"`))
}

// parse is strconv's, but for the signs and underscores that it would take.
func parse(text string) (value uint64, ok bool) {
	for _, digit := range []byte(text) {
		next := value*10 + uint64(digit-'0')
		if digit < '0' || digit > '9' || value > (1<<64-1)/10 || next < value {
			return 0, false
		}
		value = next
	}
	return value, text != ""
}
