// wasmhost observer SDK for AssemblyScript.
//
//     import { Context, PeerEvent, log } from "wasmhost";
//
//     export function onWebrtcConnected(ctx: Context, event: PeerEvent): void {
//       log.write(log.Level.Info, event.peer.type.name);
//     }
//
// Only the hooks an observer's entry file exports a function for are exported from the module. A function leaves out the
// context or the event where it has no use for them. The two early signaling hooks get a `Context | null`; those of the
// node's own life return an error's words or null, or nothing.
//
// What a module-level variable is made from (`const least = config.number("least", 10)`) is read when the sandbox is
// made; a panic there is the operator's at once. `export function init(): void` is called before the first hook.
//
// Nothing has to be freed, and what is kept lasts. `throw` and a failed `assert` are panics: the operator reads their
// message and place. `console.log` and its like are lines of the log, `Math.random` is the same in a replay.

export { config, delivery, log, metrics, report, state } from "./capabilities";
export {
  ActrId,
  ActrType,
  BackpressureEvent,
  Context,
  CredentialEvent,
  ErrorCategory,
  ErrorEvent,
  ErrorSource,
  PeerEvent,
  PeerStatus,
  Realm,
  SignalingEvent,
  StreamInfo,
  Timestamp,
} from "./events";
export { panic } from "./panic";
export { Writer } from "./writer";
