module wasmhost/observer

go 1.24
