module observers/relay-watch

go 1.24

require wasmhost/observer v0.1.0

replace wasmhost/observer => ../../../guest-sdk/go
