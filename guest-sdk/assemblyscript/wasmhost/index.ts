// wasmhost observer SDK for AssemblyScript.
//
//     import { Context, PeerEvent, log } from "wasmhost";
//
//     export function onWebrtcConnected(ctx: Context, event: PeerEvent): void {
//       log.write(log.Level.Info, event.peer.type.name);
//     }
//
// Only the hooks an observer exports a function for are exported from the module.

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
