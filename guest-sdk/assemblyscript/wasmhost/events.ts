// The records of wit/types.wit.
//
// An event is read in one pass, before the hook is called. Each record is read the same way: go through the map's
// entries, take the known keys, skip the others, and demand at the end that every required one was there. Only texts
// stay where they are: a record keeps the event, and makes a string when it is asked for one.

import * as reader from "./reader";
import { Span, is, spanned } from "./text";

/** Unix time in nanoseconds. */
export type Timestamp = u64;

// @ts-ignore: decorator
@inline
function demand(seen: u32, all: u32): void {
  if (seen != all) reader.broken();
}

/** What keeps an event alive for as long as its texts may be asked for. */
class View {
  private readonly event: ArrayBuffer = reader.bytes;
}

/** The administrative domain a node belongs to. */
export class Realm {
  realmId: u32 = 0;

  constructor() {
    let seen: u32 = 0;
    for (let left = reader.map(); left > 0; left--) {
      const key = reader.text();
      if (is(key, "realm-id")) {
        this.realmId = reader.uint32();
        seen |= 1;
      } else reader.skip();
    }
    demand(seen, 1);
  }
}

/** What kind of actor a node runs. */
export class ActrType extends View {
  private manufacturerSpan: Span = 0;
  private nameSpan: Span = 0;
  private versionSpan: Span = 0;

  constructor() {
    super();
    let seen: u32 = 0;
    for (let left = reader.map(); left > 0; left--) {
      const key = reader.text();
      if (is(key, "manufacturer")) {
        this.manufacturerSpan = reader.text();
        seen |= 1;
      } else if (is(key, "name")) {
        this.nameSpan = reader.text();
        seen |= 2;
      } else if (is(key, "version")) {
        this.versionSpan = reader.text();
        seen |= 4;
      } else reader.skip();
    }
    demand(seen, 7);
  }

  /** Who made it. */
  get manufacturer(): string {
    return spanned(this.manufacturerSpan);
  }

  /** What it is called. */
  get name(): string {
    return spanned(this.nameSpan);
  }

  /** Its version, as its maker writes it. */
  get version(): string {
    return spanned(this.versionSpan);
  }
}

/** A node's full identity. */
export class ActrId {
  /** Where it lives. */
  realm: Realm = changetype<Realm>(0);
  /** Its number in that realm. */
  serialNumber: u64 = 0;
  /** What it runs. */
  type: ActrType = changetype<ActrType>(0);

  constructor() {
    let seen: u32 = 0;
    for (let left = reader.map(); left > 0; left--) {
      const key = reader.text();
      if (is(key, "realm")) {
        this.realm = new Realm();
        seen |= 1;
      } else if (is(key, "serial-number")) {
        this.serialNumber = reader.uint();
        seen |= 2;
      } else if (is(key, "type")) {
        this.type = new ActrType();
        seen |= 4;
      } else reader.skip();
    }
    demand(seen, 7);
  }
}

/** Who observed the event. */
export class Context extends View {
  /** The observing node. */
  selfId: ActrId = changetype<ActrId>(0);
  /** On whose behalf it acted, where there is a caller. */
  callerId: ActrId | null = null;
  private requestIdSpan: Span = 0;

  constructor() {
    super();
    let seen: u32 = 0;
    for (let left = reader.map(); left > 0; left--) {
      const key = reader.text();
      if (is(key, "self-id")) {
        this.selfId = new ActrId();
        seen |= 1;
      } else if (is(key, "caller-id")) {
        this.callerId = new ActrId();
      } else if (is(key, "request-id")) {
        this.requestIdSpan = reader.text();
        seen |= 2;
      } else reader.skip();
    }
    demand(seen, 3);
  }

  /** The request it was serving; may be empty. */
  get requestId(): string {
    return spanned(this.requestIdSpan);
  }
}

/** The state of a connection to a peer, as the node sees it. */
export enum PeerStatus {
  /** No connection, and none wanted. */
  Idle,
  /** A first connection is being made. */
  Connecting,
  /** The connection stands. */
  Connected,
  /** The connection broke and is being rebuilt: not yet a disconnect for good. */
  Recovering,
}

function readPeerStatus(): PeerStatus {
  const name = reader.text();
  if (is(name, "idle")) return PeerStatus.Idle;
  if (is(name, "connecting")) return PeerStatus.Connecting;
  if (is(name, "connected")) return PeerStatus.Connected;
  if (!is(name, "recovering")) reader.broken();
  return PeerStatus.Recovering;
}

/** Where in the node an error arose. */
export enum ErrorCategory {
  /** A message handler panicked. */
  HandlerPanic,
  /** A message handler returned an error. */
  HandlerError,
  /** The signaling connection failed. */
  SignalingFailure,
  /** A transport failed. */
  TransportFailure,
  /** A data stream ended and nobody knows what arrived. */
  DataStreamDeliveryUncertain,
}

function readErrorCategory(): ErrorCategory {
  const name = reader.text();
  if (is(name, "handler-panic")) return ErrorCategory.HandlerPanic;
  if (is(name, "handler-error")) return ErrorCategory.HandlerError;
  if (is(name, "signaling-failure")) return ErrorCategory.SignalingFailure;
  if (is(name, "transport-failure")) return ErrorCategory.TransportFailure;
  if (!is(name, "data-stream-delivery-uncertain")) reader.broken();
  return ErrorCategory.DataStreamDeliveryUncertain;
}

/** The payload of `onSignalingConnecting`. */
export class SignalingEvent {
  /** Whether the node says which attempt this is. */
  hasAttempt: bool = false;
  /** Which attempt this is, counted from 1. */
  attempt: u32 = 0;

  constructor() {
    for (let left = reader.map(); left > 0; left--) {
      const key = reader.text();
      if (is(key, "attempt")) {
        this.attempt = reader.uint32();
        this.hasAttempt = true;
      } else reader.skip();
    }
  }
}

/** The payload of all websocket and webrtc hooks. */
export class PeerEvent {
  /** The other side. */
  peer: ActrId = changetype<ActrId>(0);
  /** Whether it is known if the connection goes through a relay: for `onWebrtcConnected` only. */
  hasRelayed: bool = false;
  /** Whether the connection goes through a relay. */
  relayed: bool = false;
  /** Whether the node says what state the connection is in. */
  hasStatus: bool = false;
  /** The connection's state. */
  status: PeerStatus = PeerStatus.Idle;

  constructor() {
    let seen: u32 = 0;
    for (let left = reader.map(); left > 0; left--) {
      const key = reader.text();
      if (is(key, "peer")) {
        this.peer = new ActrId();
        seen |= 1;
      } else if (is(key, "relayed")) {
        this.relayed = reader.boolean();
        this.hasRelayed = true;
      } else if (is(key, "status")) {
        this.status = readPeerStatus();
        this.hasStatus = true;
      } else reader.skip();
    }
    demand(seen, 1);
  }
}

/** An error as the node's own code words it. */
export class ErrorSource extends View {
  private kindSpan: Span = 0;
  private messageSpan: Span = 0;

  constructor() {
    super();
    let seen: u32 = 0;
    for (let left = reader.map(); left > 0; left--) {
      const key = reader.text();
      if (is(key, "kind")) {
        this.kindSpan = reader.text();
        seen |= 1;
      } else if (is(key, "message")) {
        this.messageSpan = reader.text();
        seen |= 2;
      } else reader.skip();
    }
    demand(seen, 3);
  }

  /** Its kind: "unavailable", "internal", and so on. */
  get kind(): string {
    return spanned(this.kindSpan);
  }

  /** What it says. */
  get message(): string {
    return spanned(this.messageSpan);
  }
}

/** The data stream an uncertain delivery was about. */
export class StreamInfo extends View {
  private streamIdSpan: Span = 0;
  /** The session it ran in. */
  sessionId: u64 = 0;
  private reasonSpan: Span = 0;

  constructor() {
    super();
    let seen: u32 = 0;
    for (let left = reader.map(); left > 0; left--) {
      const key = reader.text();
      if (is(key, "stream-id")) {
        this.streamIdSpan = reader.text();
        seen |= 1;
      } else if (is(key, "session-id")) {
        this.sessionId = reader.uint();
        seen |= 2;
      } else if (is(key, "reason")) {
        this.reasonSpan = reader.text();
        seen |= 4;
      } else reader.skip();
    }
    demand(seen, 7);
  }

  /** The stream's name. */
  get streamId(): string {
    return spanned(this.streamIdSpan);
  }

  /** Why the delivery is uncertain. */
  get reason(): string {
    return spanned(this.reasonSpan);
  }
}

/** The payload of `onError`. */
export class ErrorEvent extends View {
  /** The error itself. */
  source: ErrorSource = changetype<ErrorSource>(0);
  /** Where it arose. */
  category: ErrorCategory = ErrorCategory.HandlerPanic;
  private contextSpan: Span = 0;
  /** When it arose. */
  at: Timestamp = 0;
  /** The stream, for `DataStreamDeliveryUncertain`. */
  stream: StreamInfo | null = null;

  constructor() {
    super();
    let seen: u32 = 0;
    for (let left = reader.map(); left > 0; left--) {
      const key = reader.text();
      if (is(key, "source")) {
        this.source = new ErrorSource();
        seen |= 1;
      } else if (is(key, "category")) {
        this.category = readErrorCategory();
        seen |= 2;
      } else if (is(key, "context")) {
        this.contextSpan = reader.text();
        seen |= 4;
      } else if (is(key, "at")) {
        this.at = reader.uint();
        seen |= 8;
      } else if (is(key, "stream")) {
        this.stream = new StreamInfo();
      } else reader.skip();
    }
    demand(seen, 15);
  }

  /** What the node was doing, in words. */
  get context(): string {
    return spanned(this.contextSpan);
  }
}

/** The payload of both credential hooks. */
export class CredentialEvent {
  /** When the credential (the new one, or the one that is expiring) ends. */
  newExpiry: Timestamp = 0;

  constructor() {
    let seen: u32 = 0;
    for (let left = reader.map(); left > 0; left--) {
      const key = reader.text();
      if (is(key, "new-expiry")) {
        this.newExpiry = reader.uint();
        seen |= 1;
      } else reader.skip();
    }
    demand(seen, 1);
  }
}

/** The payload of `onMailboxBackpressure`. */
export class BackpressureEvent {
  /** How many messages wait. */
  queueLen: u64 = 0;
  /** At how many the node calls it pressure. */
  threshold: u64 = 0;

  constructor() {
    let seen: u32 = 0;
    for (let left = reader.map(); left > 0; left--) {
      const key = reader.text();
      if (is(key, "queue-len")) {
        this.queueLen = reader.uint();
        seen |= 1;
      } else if (is(key, "threshold")) {
        this.threshold = reader.uint();
        seen |= 2;
      } else reader.skip();
    }
    demand(seen, 3);
  }
}

/** What the hooks without a payload carry. */
export class Nothing {
  constructor() {
    reader.skip();
  }
}
