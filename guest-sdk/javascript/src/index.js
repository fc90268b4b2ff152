/** The observer SDK for JavaScript; index.d.ts says what each name is. */

export { ObserverError, observer } from "./observer.js";
export { encode } from "./encode.js";

export * as log from "./capabilities/log.js";
export * as delivery from "./capabilities/delivery.js";
export * as config from "./capabilities/config.js";
export * as state from "./capabilities/state.js";
export * as metrics from "./capabilities/metrics.js";
export * as report from "./capabilities/report.js";
