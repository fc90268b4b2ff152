"""The probe of ../README.md in Python."""
# ruff: noqa: D102 - what the hooks are says Observer

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmhost_observer import (
    Observer,
    ObserverError,
    Panic,
    config,
    delivery,
    log,
    metrics,
    observer,
    report,
    state,
)

if TYPE_CHECKING:
    from wasmhost_observer import (
        BackpressureEvent,
        Context,
        CredentialEvent,
        ErrorEvent,
        PeerEvent,
        SignalingEvent,
    )
    from wasmhost_observer.writing import Item


@observer
class Probe(Observer):
    """Reports what it is given."""

    def on_start(self, ctx: Context) -> None:
        words = config.get("panic")
        if words is not None:
            raise Panic(words)
        _seen(ctx, {})

    def on_ready(self, ctx: Context) -> None:  # noqa: ARG002 - the one hook that reports other things
        _use_capabilities()

    def on_stop(self, ctx: Context) -> None:
        _seen(ctx, {})
        words = config.get("error")
        if words is not None:
            raise ObserverError(words)

    def on_error(self, ctx: Context, event: ErrorEvent) -> None:
        _seen(ctx, event)

    def on_signaling_connecting(self, ctx: Context | None, event: SignalingEvent) -> None:
        _seen(ctx, event)

    def on_signaling_connected(self, ctx: Context | None) -> None:
        _seen(ctx, {})

    def on_signaling_disconnected(self, ctx: Context) -> None:
        _seen(ctx, {})

    def on_websocket_connecting(self, ctx: Context, event: PeerEvent) -> None:
        _seen(ctx, event)

    def on_websocket_connected(self, ctx: Context, event: PeerEvent) -> None:
        _seen(ctx, event)

    def on_websocket_disconnected(self, ctx: Context, event: PeerEvent) -> None:
        _seen(ctx, event)

    def on_webrtc_connecting(self, ctx: Context, event: PeerEvent) -> None:
        _seen(ctx, event)

    def on_webrtc_connected(self, ctx: Context, event: PeerEvent) -> None:
        _seen(ctx, event)

    def on_webrtc_disconnected(self, ctx: Context, event: PeerEvent) -> None:
        _seen(ctx, event)

    def on_credential_renewed(self, ctx: Context, event: CredentialEvent) -> None:
        _seen(ctx, event)

    def on_credential_expiring(self, ctx: Context, event: CredentialEvent) -> None:
        _seen(ctx, event)

    def on_mailbox_backpressure(self, ctx: Context, event: BackpressureEvent) -> None:
        _seen(ctx, event)


def _seen(ctx: Context | None, event: Item) -> None:
    if config.get("mode") is not None:
        _use_capabilities()
    body: dict[str, Item] = {"event": event}
    if ctx is not None:
        body["ctx"] = ctx
    source = delivery.source()
    if source is not None:
        body["src"] = source
    report.send("seen", body)


def _use_capabilities() -> None:
    for level in log.Level:
        log.write(level, "error ✓" if level is log.Level.ERROR else level.name.lower())
    metrics.counter_add("ready", (1 << 64) - 1)
    metrics.gauge_set("half", 0.5)
    _use_state()
    _report_delivery()
    _report_config()
    _obey(config.get("mode"))


def _obey(mode: str | None) -> None:
    """Go wrong as the operator says."""
    if mode == "panic":
        raise Panic("as told")
    while mode == "loop":
        pass
    kept: list[bytearray] = []
    while mode == "grow":
        kept.append(bytearray(65_536))


def _use_state() -> None:
    blob = state.load()
    state.save(b"?" if blob is None else blob + b"!")


def _report_delivery() -> None:
    body: dict[str, Item] = {
        "now": delivery.now(),
        "lost": delivery.lost(),
        "random": delivery.random(),
        "source": delivery.source() or "",
        "sequence": delivery.sequence(),
    }
    report.send("delivery", body)


def _report_config() -> None:
    report.send("config", {"value": config.get("value") or "", "number": config.number("number", 7)})
