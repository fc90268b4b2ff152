// relay-watch: reports when the share of relayed WebRTC connections in a realm crosses a threshold. See ../../README.md
// for its configuration and its report, which is the same, byte for byte, in every language.

import { Context, PeerEvent, Writer, config, report } from "wasmhost";

/** Realms that are watched at once. Beyond it the one that was quiet for longest is forgotten. */
const MOST_REALMS = 64;

class Realm {
  total: u64 = 0;
  relayed: u64 = 0;
  /** The share is at or over the threshold, as reported last. */
  above: bool = false;
  /** When it last had a connection, on the observer's own clock of connections. */
  last: u64 = 0;

  constructor(readonly id: u32) {}

  /** Count a connection; whether the share has crossed the threshold by it. */
  count(relayed: bool): bool {
    this.total++;
    this.relayed += u64(relayed);
    if (this.total < minConnections) return false;
    const above = this.relayed * 1000 >= threshold * this.total;
    if (above == this.above) return false;
    this.above = above;
    return true;
  }

  report(): void {
    const body = new Writer();
    body.map(5);
    body.text("realm").uint(this.id);
    body.text("total").uint(this.total);
    body.text("crossed").text(this.above ? "above" : "below");
    body.text("relayed").uint(this.relayed);
    body.text("share-permille").uint((this.relayed * 1000) / this.total);
    report.send("relay-share", body);
  }
}

/** The threshold in thousandths. */
let threshold: u64 = 0;
let minConnections: u64 = 0;
/** Connections counted so far. */
let clock: u64 = 0;
const realms = new Map<u32, Realm>();

export function init(): void {
  const given = config.get("threshold");
  const share = given === null ? "0.3" : given;
  const permille = inPermille(share);
  if (permille < 0) config.refuse("threshold", share, "a share from 0 to 1 with at most three decimals is wanted");
  threshold = permille;
  minConnections = config.number("min-connections", 10);
}

export function onWebrtcConnected(ctx: Context, event: PeerEvent): void {
  // A node that does not say whether a connection is relayed is no evidence either way.
  if (!event.hasRelayed) return;
  const realm = find(ctx.selfId.realm.realmId);
  realm.last = ++clock;
  if (realm.count(event.relayed)) realm.report();
}

function find(id: u32): Realm {
  if (realms.has(id)) return realms.get(id);
  if (realms.size == MOST_REALMS) realms.delete(quietest());
  const realm = new Realm(id);
  realms.set(id, realm);
  return realm;
}

function quietest(): u32 {
  const known = realms.values();
  let quietest = known[0];
  for (let i = 1; i < known.length; i++) {
    if (known[i].last < quietest.last) quietest = known[i];
  }
  return quietest.id;
}

/** A share from 0 to 1, written with at most three decimals, in thousandths; -1 where it is none. */
function inPermille(share: string): i32 {
  const decimals = share.length - 2;
  if (decimals != -1 && (decimals < 1 || decimals > 3 || share.charAt(1) != ".")) return -1;
  let value = 0;
  for (let i = 0; i < 5; i++) {
    if (i == 1) continue;
    const digit = i < share.length ? share.charCodeAt(i) - 0x30 : 0;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= 1000 ? value : -1;
}
