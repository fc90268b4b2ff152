/** The probe of ../README.md in JavaScript. */

import { ObserverError, config, delivery, log, metrics, observer, report, state } from "wasmhost-observer";

export default observer({
  onStart(ctx) {
    const words = config.get("panic");
    if (words !== undefined) throw new Error(words);
    seen(ctx);
  },

  onReady() {
    useCapabilities();
  },

  onStop(ctx) {
    seen(ctx);
    const words = config.get("error");
    if (words !== undefined) throw new ObserverError(words);
  },

  onError: seen,
  onSignalingConnecting: seen,
  onSignalingConnected: seen,
  onSignalingDisconnected: seen,
  onWebsocketConnecting: seen,
  onWebsocketConnected: seen,
  onWebsocketDisconnected: seen,
  onWebrtcConnecting: seen,
  onWebrtcConnected: seen,
  onWebrtcDisconnected: seen,
  onCredentialRenewed: seen,
  onCredentialExpiring: seen,
  onMailboxBackpressure: seen,
});

function seen(ctx, event = {}) {
  if (config.get("mode") !== undefined) useCapabilities();
  report.send("seen", { ctx, src: delivery.source(), event });
}

function useCapabilities() {
  log.trace("trace");
  log.debug("debug");
  log.info("info");
  log.warn("warn");
  log.error("error ✓");
  metrics.counterAdd("ready", 2n ** 64n - 1n);
  metrics.gaugeSet("half", 0.5);
  useState();
  reportDelivery();
  report.send("config", { value: config.get("value") ?? "", number: config.number("number", 7n) });
  obey(config.get("mode"));
}

/** Goes wrong as the operator says. */
function obey(mode) {
  if (mode === "panic") throw new Error("as told");
  if (mode === "loop") for (;;);
  const kept = [];
  while (mode === "grow") kept.push(new Uint8Array(65_536));
}

function useState() {
  const blob = state.load();
  state.save(blob === undefined ? Uint8Array.of(63) : Uint8Array.of(...blob, 33));
}

function reportDelivery() {
  report.send("delivery", {
    now: delivery.now(),
    lost: delivery.lost(),
    random: delivery.random(),
    source: delivery.source() ?? "",
    sequence: delivery.sequence(),
  });
}
