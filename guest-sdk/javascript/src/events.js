/**
 * The records of wit/types.wit as views into an event, which stay good when the hook has returned. Fields are in
 * the order of their keys in deterministic encoding, so that a record is written as fast as it is read.
 */

import { readBool, readText, readU32, readU64 } from "./cbor.js";
import { oneOf, optional, record, required, view } from "./record.js";

export const Realm = record({
  realmId: required(readU32),
});

export const ActrType = record({
  name: required(readText),
  version: required(readText),
  manufacturer: required(readText),
});

export const ActrId = record({
  type: required(view(ActrType)),
  realm: required(view(Realm)),
  serialNumber: required(readU64),
});

export const Context = record({
  selfId: required(view(ActrId)),
  callerId: optional(view(ActrId)),
  requestId: required(readText),
});

export const SignalingEvent = record({
  attempt: optional(readU32),
});

export const PeerEvent = record({
  peer: required(view(ActrId)),
  status: optional(oneOf("idle", "connecting", "connected", "recovering")),
  relayed: optional(readBool),
});

export const ErrorSource = record({
  kind: required(readText),
  message: required(readText),
});

export const StreamInfo = record({
  reason: required(readText),
  streamId: required(readText),
  sessionId: required(readU64),
});

export const ErrorEvent = record({
  at: required(readU64),
  source: required(view(ErrorSource)),
  stream: optional(view(StreamInfo)),
  context: required(readText),
  category: required(
    oneOf(
      "handler-panic",
      "handler-error",
      "signaling-failure",
      "transport-failure",
      "data-stream-delivery-uncertain",
    ),
  ),
});

export const CredentialEvent = record({
  newExpiry: required(readU64),
});

export const BackpressureEvent = record({
  queueLen: required(readU64),
  threshold: required(readU64),
});

/** The payload of a hook that has none. */
export const NoPayload = record({});
