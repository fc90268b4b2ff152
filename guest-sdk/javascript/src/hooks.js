/** The sixteen hooks, in the order of wit/hooks.wit. */

import {
  BackpressureEvent,
  CredentialEvent,
  ErrorEvent,
  NoPayload,
  PeerEvent,
  SignalingEvent,
} from "./events.js";
import { kebab } from "./names.js";

/**
 * `fallible`: an `ObserverError` that is thrown is the hook's error, and no panic. `early`: it can come before the
 * node has an identity, and then has no context.
 */
class Hook {
  constructor(wit, method, payload, { fallible = false, early = false } = {}) {
    this.interface = wit;
    this.method = method;
    this.Payload = payload;
    this.fallible = fallible;
    this.early = early;
    this.name = kebab(method);
  }
}

const fallible = { fallible: true };
const early = { early: true };

export const HOOKS = [
  new Hook("lifecycle", "onStart", NoPayload, fallible),
  new Hook("lifecycle", "onReady", NoPayload, fallible),
  new Hook("lifecycle", "onStop", NoPayload, fallible),
  new Hook("lifecycle", "onError", ErrorEvent, fallible),
  new Hook("signaling", "onSignalingConnecting", SignalingEvent, early),
  new Hook("signaling", "onSignalingConnected", NoPayload, early),
  new Hook("signaling", "onSignalingDisconnected", NoPayload),
  new Hook("websocket", "onWebsocketConnecting", PeerEvent),
  new Hook("websocket", "onWebsocketConnected", PeerEvent),
  new Hook("websocket", "onWebsocketDisconnected", PeerEvent),
  new Hook("webrtc", "onWebrtcConnecting", PeerEvent),
  new Hook("webrtc", "onWebrtcConnected", PeerEvent),
  new Hook("webrtc", "onWebrtcDisconnected", PeerEvent),
  new Hook("credential", "onCredentialRenewed", CredentialEvent),
  new Hook("credential", "onCredentialExpiring", CredentialEvent),
  new Hook("mailbox", "onMailboxBackpressure", BackpressureEvent),
];
