// What the probe reports under the topic `seen`, up to the event's payload.

import { ActrId, Context, Writer, config, delivery, report } from "wasmhost";
import { useCapabilities } from "./capabilities";

/** A body that lacks its last value: that of the key `event`. */
export function seen(ctx: Context | null): Writer {
  if (config.get("mode") !== null) useCapabilities();
  const source = delivery.source();
  const out = new Writer();
  out.map(1 + u32(ctx !== null) + u32(source !== null));
  if (ctx !== null) {
    const caller = ctx.callerId;
    out.text("ctx").map(caller === null ? 2 : 3);
    writeId(out, "self-id", ctx.selfId);
    if (caller !== null) writeId(out, "caller-id", caller);
    out.text("request-id").text(ctx.requestId);
  }
  if (source !== null) out.text("src").text(source);
  return out.text("event");
}

/** For the hooks without a payload. */
export function nothing(ctx: Context | null): void {
  report.send("seen", seen(ctx).map(0));
}

export function writeId(out: Writer, key: string, id: ActrId): void {
  out.text(key).map(3);
  out.text("type").map(3);
  out.text("name").text(id.type.name);
  out.text("version").text(id.type.version);
  out.text("manufacturer").text(id.type.manufacturer);
  out.text("realm").map(1).text("realm-id").uint(id.realm.realmId);
  out.text("serial-number").uint(id.serialNumber);
}
