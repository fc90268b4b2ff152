// Uses every capability, and then does what the config key `mode` says.

import { Writer, config, delivery, log, metrics, report, state } from "wasmhost";

export function useCapabilities(): void {
  log.write(log.Level.Trace, "trace");
  log.write(log.Level.Debug, "debug");
  log.write(log.Level.Info, "info");
  log.write(log.Level.Warn, "warn");
  log.write(log.Level.Error, "error ✓");
  metrics.counterAdd("ready", u64.MAX_VALUE);
  metrics.gaugeSet("half", 0.5);
  useState();
  reportDelivery();
  reportConfig();
  obey(config.get("mode"));
}

const kept: ArrayBuffer[] = [];

/** Goes wrong as the operator says. */
function obey(mode: string | null): void {
  if (mode === null) return;
  if (mode == "panic") throw new Error("as told");
  while (mode == "loop") {}
  while (mode == "grow") kept.push(new ArrayBuffer(65536));
}

function useState(): void {
  const blob = state.load();
  if (blob === null) return state.save(ascii("?"));
  const longer = new Uint8Array(blob.length + 1);
  longer.set<Uint8Array>(blob);
  longer[blob.length] = 0x21;
  state.save(longer);
}

function ascii(text: string): Uint8Array {
  return Uint8Array.wrap(String.UTF8.encode(text));
}

function reportDelivery(): void {
  const out = new Writer();
  out.map(5);
  out.text("now").uint(delivery.now());
  out.text("lost").uint(delivery.lost());
  out.text("random").uint(delivery.random());
  out.text("source").text(orEmpty(delivery.source()));
  out.text("sequence").uint(delivery.sequence());
  report.send("delivery", out);
}

function reportConfig(): void {
  const out = new Writer();
  out.map(2);
  out.text("value").text(orEmpty(config.get("value")));
  out.text("number").uint(config.number("number", 7));
  report.send("config", out);
}

function orEmpty(text: string | null): string {
  return text === null ? "" : text;
}
