/** A name as the WIT spells it: `onWebrtcConnected` is `on-webrtc-connected` there. */
export function kebab(name) {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
