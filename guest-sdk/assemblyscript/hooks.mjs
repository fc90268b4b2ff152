// The table of hooks, as wit/hooks.wit declares them.

const PREFIX = "wasmhost:observer";
const VERSION = "0.1.0";

class Hook {
  constructor(face, name, payload, { fallible = false, early = false } = {}) {
    this.face = face;
    // As the author writes it, `onWebrtcConnected`, and as the contract does, `on-webrtc-connected`.
    this.name = name;
    this.kebab = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    // The class of wasmhost/events.ts, or null.
    this.payload = payload;
    this.fallible = fallible;
    this.early = early;
  }

  get exportName() {
    return `${PREFIX}/${this.face}@${VERSION}#${this.kebab}`;
  }
}

const fallible = { fallible: true };
const early = { early: true };

export const HOOKS = new Map(
  [
    new Hook("lifecycle", "onStart", null, fallible),
    new Hook("lifecycle", "onReady", null, fallible),
    new Hook("lifecycle", "onStop", null, fallible),
    new Hook("lifecycle", "onError", "ErrorEvent", fallible),
    new Hook("signaling", "onSignalingConnecting", "SignalingEvent", early),
    new Hook("signaling", "onSignalingConnected", null, early),
    new Hook("signaling", "onSignalingDisconnected", null),
    new Hook("websocket", "onWebsocketConnecting", "PeerEvent"),
    new Hook("websocket", "onWebsocketConnected", "PeerEvent"),
    new Hook("websocket", "onWebsocketDisconnected", "PeerEvent"),
    new Hook("webrtc", "onWebrtcConnecting", "PeerEvent"),
    new Hook("webrtc", "onWebrtcConnected", "PeerEvent"),
    new Hook("webrtc", "onWebrtcDisconnected", "PeerEvent"),
    new Hook("credential", "onCredentialRenewed", "CredentialEvent"),
    new Hook("credential", "onCredentialExpiring", "CredentialEvent"),
    new Hook("mailbox", "onMailboxBackpressure", "BackpressureEvent"),
  ].map((hook) => [hook.name, hook]),
);
