// The raw ABI: wit/capabilities.wit as the canonical ABI lowers it to core Wasm. Strings and lists are an address and a
// size; a result that does not fit a core value is written to a return area. What is not called is not imported.

// @ts-ignore: decorator
@external("wasmhost:observer/log@0.1.0", "write")
export declare function logWrite(level: u32, message: usize, size: usize): void;

// @ts-ignore: decorator
@external("wasmhost:observer/panic@0.1.0", "report")
export declare function panicReport(message: usize, size: usize): void;

// @ts-ignore: decorator
@external("wasmhost:observer/delivery@0.1.0", "now")
export declare function deliveryNow(): u64;

// @ts-ignore: decorator
@external("wasmhost:observer/delivery@0.1.0", "sequence")
export declare function deliverySequence(): u64;

// @ts-ignore: decorator
@external("wasmhost:observer/delivery@0.1.0", "lost")
export declare function deliveryLost(): u64;

// @ts-ignore: decorator
@external("wasmhost:observer/delivery@0.1.0", "random")
export declare function deliveryRandom(): u64;

// @ts-ignore: decorator
@external("wasmhost:observer/config@0.1.0", "get")
export declare function configGet(key: usize, size: usize, value: Option): void;

// @ts-ignore: decorator
@external("wasmhost:observer/state@0.1.0", "load")
export declare function stateLoad(blob: Option): void;

// @ts-ignore: decorator
@external("wasmhost:observer/state@0.1.0", "save")
export declare function stateSave(blob: usize, size: usize): void;

// @ts-ignore: decorator
@external("wasmhost:observer/metrics@0.1.0", "counter-add")
export declare function metricsCounterAdd(name: usize, size: usize, by: u64): void;

// @ts-ignore: decorator
@external("wasmhost:observer/metrics@0.1.0", "gauge-set")
export declare function metricsGaugeSet(name: usize, size: usize, value: f64): void;

// @ts-ignore: decorator
@external("wasmhost:observer/report@0.1.0", "send")
export declare function reportSend(topic: usize, topicSize: usize, body: usize, bodySize: usize): void;

/** `option<string>` and `option<list<u8>>`, as an import leaves them in a return area. */
@unmanaged
export class Option {
  isSome: u8 = 0;
  data: usize = 0;
  size: usize = 0;
}

/** `result<_, string>`, as a lifecycle hook returns it. */
@unmanaged
export class Result {
  isError: u8 = 0;
  data: usize = 0;
  size: usize = 0;
}
