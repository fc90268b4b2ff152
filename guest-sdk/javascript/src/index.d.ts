/**
 * Observers of a node's events, to run under wasmhost.
 *
 * ```js
 * import { log, observer } from "wasmhost-observer";
 *
 * export default observer({
 *   onWebrtcConnected(ctx, event) {
 *     log.info(`connected to ${event.peer.type.name}`);
 *   },
 * });
 * ```
 *
 * Only the hooks an observer has are ever called. A module is loaded once, when the component is built, and there is
 * no host then: what asks for one (`config`, `delivery`, the time) belongs into `init` or a hook.
 *
 * Whatever a hook throws is a panic: the host is told its message and its place, and starts afresh.
 */

/** Unix time in nanoseconds. */
export type Timestamp = bigint;

/** A realm: the administrative domain a node belongs to. */
export interface Realm {
  /** The realm's number. */
  readonly realmId: number;
}

/** What kind of actor a node runs. */
export interface ActrType {
  /** Who made it. */
  readonly manufacturer: string;
  /** What it is called. */
  readonly name: string;
  /** Its version, as its maker writes it. */
  readonly version: string;
}

/** A node's full identity. */
export interface ActrId {
  /** Where it lives. */
  readonly realm: Realm;
  /** Its number in that realm. */
  readonly serialNumber: bigint;
  /** What it runs. */
  readonly type: ActrType;
}

/** Who observed the event. */
export interface Context {
  /** The observing node. */
  readonly selfId: ActrId;
  /** On whose behalf it acted, where there is a caller. */
  readonly callerId: ActrId | undefined;
  /** The request it was serving; may be empty. */
  readonly requestId: string;
}

/** The state of a connection to a peer, as the node sees it. */
export type PeerStatus =
  /** No connection, and none wanted. */
  | "idle"
  /** A first connection is being made. */
  | "connecting"
  /** The connection stands. */
  | "connected"
  /** The connection broke and is being rebuilt: not yet a disconnect for good. */
  | "recovering";

/** Where in the node an error arose. */
export type ErrorCategory =
  /** A message handler panicked. */
  | "handler-panic"
  /** A message handler returned an error. */
  | "handler-error"
  /** The signaling connection failed. */
  | "signaling-failure"
  /** A transport failed. */
  | "transport-failure"
  /** A data stream ended and nobody knows what arrived. */
  | "data-stream-delivery-uncertain";

/** An error as the node's own code words it. */
export interface ErrorSource {
  /** Its kind: "unavailable", "internal", and so on. */
  readonly kind: string;
  /** What it says. */
  readonly message: string;
}

/** The data stream an uncertain delivery was about. */
export interface StreamInfo {
  /** The stream's name. */
  readonly streamId: string;
  /** The session it ran in. */
  readonly sessionId: bigint;
  /** Why the delivery is uncertain. */
  readonly reason: string;
}

/** The payload of `onSignalingConnecting`. */
export interface SignalingEvent {
  /** Which attempt this is, counted from 1, where the node says. */
  readonly attempt: number | undefined;
}

/** The payload of all websocket and webrtc hooks. */
export interface PeerEvent {
  /** The other side. */
  readonly peer: ActrId;
  /** Whether the connection goes through a relay; known for `onWebrtcConnected` only. */
  readonly relayed: boolean | undefined;
  /** The connection's state, where the node says. */
  readonly status: PeerStatus | undefined;
}

/** The payload of `onError`. */
export interface ErrorEvent {
  /** The error itself. */
  readonly source: ErrorSource;
  /** Where it arose. */
  readonly category: ErrorCategory;
  /** What the node was doing, in words. */
  readonly context: string;
  /** When it arose. */
  readonly at: Timestamp;
  /** The stream, for "data-stream-delivery-uncertain". */
  readonly stream: StreamInfo | undefined;
}

/** The payload of both credential hooks. */
export interface CredentialEvent {
  /** When the credential (the new one, or the one that is expiring) ends. */
  readonly newExpiry: Timestamp;
}

/** The payload of `onMailboxBackpressure`. */
export interface BackpressureEvent {
  /** How many messages wait. */
  readonly queueLen: bigint;
  /** At how many the node calls it pressure. */
  readonly threshold: bigint;
}

/**
 * The hooks of an observer, each of which it may have. Those of the node's own life are fallible: an `ObserverError`
 * that they throw is what they return, and no panic.
 */
export interface Observer {
  /** Called once in a sandbox, before its first hook: the place to read `config` and `state`. */
  init?(): void;
  /** The node starts; it may have no peers yet. */
  onStart?(ctx: Context): void;
  /** The node is ready to serve. */
  onReady?(ctx: Context): void;
  /** The node stops. */
  onStop?(ctx: Context): void;
  /** Something went wrong in the node. */
  onError?(ctx: Context, event: ErrorEvent): void;
  /** The node dials the signaling server; it may have no identity yet. */
  onSignalingConnecting?(ctx: Context | undefined, event: SignalingEvent): void;
  /** The signaling connection stands; the node may have no identity yet. */
  onSignalingConnected?(ctx: Context | undefined): void;
  /** The signaling connection is lost. */
  onSignalingDisconnected?(ctx: Context): void;
  /** A WebSocket connection to a peer is being made. */
  onWebsocketConnecting?(ctx: Context, event: PeerEvent): void;
  /** A WebSocket connection to a peer stands. */
  onWebsocketConnected?(ctx: Context, event: PeerEvent): void;
  /** A WebSocket connection to a peer is gone. */
  onWebsocketDisconnected?(ctx: Context, event: PeerEvent): void;
  /** A WebRTC connection to a peer is being made. */
  onWebrtcConnecting?(ctx: Context, event: PeerEvent): void;
  /** A WebRTC connection to a peer stands; `relayed` says whether through a relay. */
  onWebrtcConnected?(ctx: Context, event: PeerEvent): void;
  /** A WebRTC connection to a peer is gone, or, with status "recovering", being rebuilt. */
  onWebrtcDisconnected?(ctx: Context, event: PeerEvent): void;
  /** The node has a new credential. */
  onCredentialRenewed?(ctx: Context, event: CredentialEvent): void;
  /** The node's credential ends soon. */
  onCredentialExpiring?(ctx: Context, event: CredentialEvent): void;
  /** More messages wait than the node likes. */
  onMailboxBackpressure?(ctx: Context, event: BackpressureEvent): void;
}

/** Make an observer of an object, or of an instance of a class, that has hooks. It is a module's default export. */
export function observer<T extends Observer>(hooks: T & ThisType<T>): T;

/** What a lifecycle hook throws in order to return an error: the node's owner reads it, and nothing has panicked. */
export class ObserverError extends Error {}

/**
 * What has CBOR. A plain object is a map: its keys are put into order, and one whose value is undefined is left out.
 * A bigint and a number without fraction are integers, other numbers floats.
 */
export type Encodable =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Context
  | ActrId
  | ActrType
  | Realm
  | PeerEvent
  | SignalingEvent
  | ErrorEvent
  | ErrorSource
  | StreamInfo
  | CredentialEvent
  | BackpressureEvent
  | readonly Encodable[]
  | { readonly [key: string]: Encodable | undefined };

/** Encode a value as one CBOR item, in core deterministic encoding. */
export function encode(value: Encodable): Uint8Array;

/** Lines for the operator's log. */
export namespace log {
  /** How much a line matters. */
  type Level = "trace" | "debug" | "info" | "warn" | "error";
  /** Write one line. */
  function write(level: Level, message: string): void;
  function trace(message: string): void;
  function debug(message: string): void;
  function info(message: string): void;
  function warn(message: string): void;
  function error(message: string): void;
}

/** What an observer may know of the delivery it is in. */
export namespace delivery {
  /** The event's own time. It does not move while a hook runs, and is the same in a replay; so is `Date.now()`. */
  function now(): Timestamp;
  /** The event's sequence number, contiguous per source. */
  function sequence(): bigint;
  /** How many events were lost for this observer since its previous delivery. */
  function lost(): bigint;
  /** The next number of a stream that a replay repeats, as `Math.random()` is. No secret. */
  function random(): bigint;
  /** The emitter instance the event comes from, where it says. */
  function source(): string | undefined;
}

/** The operator's words for this observer. */
export namespace config {
  /** The value of a key. */
  function get(key: string): string | undefined;
  /**
   * The value of a key as a whole number in decimal, `otherwise` where there is none. Anything else than such a
   * number is a panic that names the key.
   */
  function number(key: string, otherwise: bigint): bigint;
  /** Panic for a value that can't be used, in words the operator can act on. */
  function refuse(key: string, value: string, wanted: string): never;
}

/** One blob that outlives the sandbox; who uses it needs the operator's grant. */
export namespace state {
  /** The blob as last saved. */
  function load(): Uint8Array | undefined;
  /** Replace the blob. It counts once the hook has returned. */
  function save(blob: Uint8Array): void;
}

/** Numbers for the operator's dashboards. */
export namespace metrics {
  function counterAdd(name: string, by: bigint | number): void;
  function gaugeSet(name: string, value: number): void;
}

/** Findings: what an observer is for. */
export namespace report {
  /** Send a finding: its body is encoded as one CBOR item. */
  function send(topic: string, body: Encodable): void;
}
