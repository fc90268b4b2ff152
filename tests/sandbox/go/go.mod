module wasmhost.test/guest

go 1.24
