// The probe of ../../README.md in AssemblyScript.

import {
  BackpressureEvent,
  Context,
  CredentialEvent,
  ErrorEvent,
  PeerEvent,
  SignalingEvent,
  config,
  report,
} from "wasmhost";
import { useCapabilities } from "./capabilities";
import { categoryName, statusName } from "./names";
import { nothing, seen, writeId } from "./seen";

export function onStart(ctx: Context): string | null {
  const words = config.get("panic");
  if (words !== null) throw new Error(words);
  nothing(ctx);
  return null;
}

export function onReady(): void {
  useCapabilities();
}

export function onStop(ctx: Context): string | null {
  nothing(ctx);
  return config.get("error");
}

export function onError(ctx: Context, event: ErrorEvent): string | null {
  const out = seen(ctx);
  const stream = event.stream;
  out.map(stream === null ? 4 : 5);
  out.text("at").uint(event.at);
  out.text("source").map(2);
  out.text("kind").text(event.source.kind);
  out.text("message").text(event.source.message);
  if (stream !== null) {
    out.text("stream").map(3);
    out.text("reason").text(stream.reason);
    out.text("stream-id").text(stream.streamId);
    out.text("session-id").uint(stream.sessionId);
  }
  out.text("context").text(event.context);
  out.text("category").text(categoryName(event.category));
  report.send("seen", out);
  return null;
}

export function onSignalingConnecting(ctx: Context | null, event: SignalingEvent): void {
  const out = seen(ctx);
  out.map(u32(event.hasAttempt));
  if (event.hasAttempt) out.text("attempt").uint(event.attempt);
  report.send("seen", out);
}

export function onSignalingConnected(ctx: Context | null): void {
  nothing(ctx);
}

export function onSignalingDisconnected(ctx: Context): void {
  nothing(ctx);
}

export function onWebsocketConnecting(ctx: Context, event: PeerEvent): void {
  peer(ctx, event);
}

export function onWebsocketConnected(ctx: Context, event: PeerEvent): void {
  peer(ctx, event);
}

export function onWebsocketDisconnected(ctx: Context, event: PeerEvent): void {
  peer(ctx, event);
}

export function onWebrtcConnecting(ctx: Context, event: PeerEvent): void {
  peer(ctx, event);
}

export function onWebrtcConnected(ctx: Context, event: PeerEvent): void {
  peer(ctx, event);
}

export function onWebrtcDisconnected(ctx: Context, event: PeerEvent): void {
  peer(ctx, event);
}

export function onCredentialRenewed(ctx: Context, event: CredentialEvent): void {
  credential(ctx, event);
}

export function onCredentialExpiring(ctx: Context, event: CredentialEvent): void {
  credential(ctx, event);
}

export function onMailboxBackpressure(ctx: Context, event: BackpressureEvent): void {
  const out = seen(ctx);
  out.map(2);
  out.text("queue-len").uint(event.queueLen);
  out.text("threshold").uint(event.threshold);
  report.send("seen", out);
}

function peer(ctx: Context, event: PeerEvent): void {
  const out = seen(ctx);
  out.map(1 + u32(event.hasStatus) + u32(event.hasRelayed));
  writeId(out, "peer", event.peer);
  if (event.hasStatus) out.text("status").text(statusName(event.status));
  if (event.hasRelayed) out.text("relayed").bool(event.relayed);
  report.send("seen", out);
}

function credential(ctx: Context, event: CredentialEvent): void {
  const out = seen(ctx);
  out.map(1).text("new-expiry").uint(event.newExpiry);
  report.send("seen", out);
}
