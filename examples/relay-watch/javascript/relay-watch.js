/**
 * relay-watch: reports when the share of relayed WebRTC connections in a realm crosses a threshold. See
 * ../README.md for its configuration and its report, which is the same, byte for byte, in every language.
 */

import { config, observer, report } from "wasmhost-observer";

/** Realms that are watched at once. Beyond it the one that was quiet for longest is forgotten. */
const MOST_REALMS = 64;

/** The realms by number, the quietest first. */
const realms = new Map();
/** In thousandths. */
let threshold;
let minConnections;

export default observer({
  init() {
    const share = config.get("threshold") ?? "0.3";
    threshold =
      permille(share) ??
      config.refuse("threshold", share, "a share from 0 to 1 with at most three decimals is wanted");
    minConnections = config.number("min-connections", 10n);
  },

  onWebrtcConnected(ctx, event) {
    const { relayed } = event;
    // A node that does not say whether a connection is relayed is no evidence either way.
    if (relayed === undefined) return;
    const id = ctx.selfId.realm.realmId;
    const realm = find(id);
    realm.total += 1;
    if (relayed) realm.relayed += 1;
    if (realm.total < minConnections) return;
    const above = realm.relayed * 1000 >= threshold * realm.total;
    if (above === realm.above) return;
    realm.above = above;
    send(id, realm);
  },
});

/** The realm of this number, as the one that was not quiet last. */
function find(id) {
  const realm = realms.get(id) ?? { total: 0, relayed: 0, above: false };
  if (!realms.delete(id) && realms.size === MOST_REALMS) {
    const [quietest] = realms.keys();
    realms.delete(quietest);
  }
  realms.set(id, realm);
  return realm;
}

function send(id, { total, relayed, above }) {
  report.send("relay-share", {
    realm: id,
    total,
    crossed: above ? "above" : "below",
    relayed,
    "share-permille": Math.floor((relayed * 1000) / total),
  });
}

/** A share from 0 to 1, written with at most three decimals, in thousandths; undefined where it is none. */
function permille(text) {
  const [, whole, decimals = ""] = /^([01])(?:\.([0-9]{1,3}))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const value = Number(whole) * 1000 + Number(decimals.padEnd(3, "0"));
  return value <= 1000 ? value : undefined;
}
