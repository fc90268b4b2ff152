// A guest as Go makes it: its whole runtime over WASI, and the airlock's answers under that.
package main

import (
	"crypto/rand"
	"fmt"
	"math"
	"os"
	"strings"
	"time"
	"unsafe"
)

//go:wasmimport wasmhost:observer/log@0.1.0 write
func logWrite(level uint32, text unsafe.Pointer, length uint32)

var kept = map[unsafe.Pointer][]byte{}

//go:wasmexport cabi_realloc
func realloc(_ unsafe.Pointer, _, _, size uint32) unsafe.Pointer {
	block := make([]byte, size+1)
	pointer := unsafe.Pointer(&block[0])
	kept[pointer] = block
	return pointer
}

//go:wasmexport wasmhost:observer/webrtc@0.1.0#on-webrtc-connected
func onWebrtcConnected(pointer unsafe.Pointer, length uint32) {
	event := string(unsafe.Slice((*byte)(pointer), length))
	delete(kept, pointer)
	switch event {
	case "panic":
		panic("no such peer")
	case "nil":
		var peers map[string]int
		peers["x"] = 1
	case "deadlock":
		select {}
	case "exit":
		os.Exit(3)
	case "sleep":
		start := time.Now()
		time.Sleep(90 * time.Minute)
		fmt.Println(start.Unix(), time.Since(start))
	case "sleep for ever":
		time.Sleep(math.MaxInt64)
	case "goroutines":
		words := make(chan string)
		for _, word := range []string{"b", "a"} {
			go func() {
				if word == "b" {
					time.Sleep(time.Millisecond)
				}
				words <- word
			}()
		}
		fmt.Println(<-words, <-words)
	case "world":
		_, err := os.Open("/etc/passwd")
		fmt.Println(len(os.Args), len(os.Environ()), err)
		_, err = os.Stdin.Read(make([]byte, 1))
		fmt.Fprintln(os.Stderr, err)
	case "random":
		bytes := make([]byte, 16)
		rand.Read(bytes)
		fmt.Printf("%x\n", bytes)
	case "long":
		fmt.Println(strings.Repeat("a line of some length\n", 200))
	default:
		text := []byte("log: " + event)
		logWrite(2, unsafe.Pointer(&text[0]), uint32(len(text)))
	}
}

func main() {}
