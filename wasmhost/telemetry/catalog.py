"""All metrics there are: names, units, labels. Both exporters read this, and a test holds the docs to it.

A metric has its name by OpenTelemetry's semantic conventions; that by Prometheus' follows from it, as their
compatibility rules say: dots become underscores, the unit is spelled out, a counter ends in ``_total``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["counter", "gauge", "sum", "histogram", "unknown"]
"""``sum``: a gauge whose values add up. ``unknown``: a counter or a gauge, as a guest will."""

LABELS: Final = {
    "observer": "wasmhost.observer.name",
    "hook": "wasmhost.hook.name",
    "outcome": "wasmhost.outcome",
    "kind": "error.type",
    "reason": "wasmhost.drop.reason",
    "what": "wasmhost.suppressed.kind",
    "state": "wasmhost.observer.state",
    "name": "wasmhost.metric.name",
    "shard": "wasmhost.shard.name",
    "word": "wasmhost.refusal.word",
    "version": "service.version",
    "le": "wasmhost.bucket.le",
}
"""How a label is called by Prometheus, and as an attribute by OpenTelemetry."""

_SPELLED: Final = {"s": "_seconds", "By": "_bytes"}


@dataclass(frozen=True, slots=True)
class Metric:
    """One family of series. ``unit`` by UCUM, as OpenTelemetry has it."""

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    help: str

    @property
    def prometheus(self) -> str:
        """Its name in Prometheus' text; a counter's ``_total`` included."""
        name = self.name.replace(".", "_") + _SPELLED.get(self.unit, "")
        return f"{name}_total" if self.kind == "counter" else name


_OBSERVER: Final = ("observer",)
_HOOK: Final = ("observer", "hook")

BUILD: Final = Metric("wasmhost.build", "gauge", "1", ("version",), "Always 1; which wasmhost this is.")
UPTIME: Final = Metric("wasmhost.uptime", "gauge", "s", (), "How long it runs.")
READY: Final = Metric("wasmhost.ready", "gauge", "1", (), "1 while it is ready, as /readyz says, else 0.")
LOOP_LAG: Final = Metric(
    "wasmhost.loop.lag", "gauge", "s", (), "How late its event loop came to a task, at most, of late."
)
EVENTS: Final = Metric("wasmhost.events.accepted", "counter", "{event}", (), "Events taken from all sources.")
REJECTED: Final = Metric(
    "wasmhost.events.rejected", "counter", "{event}", (), "Items of sources that break the contract."
)
CONNECTIONS: Final = Metric(
    "wasmhost.source.connections.open", "gauge", "{connection}", (), "Connections of nodes that there are."
)
ACCEPTED: Final = Metric(
    "wasmhost.source.connections.accepted", "counter", "{connection}", (), "Connections that were let in."
)
REFUSED: Final = Metric(
    "wasmhost.source.connections.refused",
    "counter",
    "{connection}",
    ("word",),
    "Connections that were refused or ended by the host, by the word they were told.",
)
REPEATED: Final = Metric(
    "wasmhost.source.events.repeated",
    "counter",
    "{event}",
    (),
    "Events that nodes sent again, and none took.",
)
OBSERVER_EVENTS: Final = Metric(
    "wasmhost.observer.events",
    "counter",
    "{event}",
    (*_OBSERVER, "outcome"),
    "What became of the events of each observer; all outcomes together are the events taken.",
)
OBSERVER_STATE: Final = Metric(
    "wasmhost.observer.state", "gauge", "1", (*_OBSERVER, "state"), "1 for the state it is in, 0 for others."
)
MAILBOX: Final = Metric(
    "wasmhost.observer.mailbox.depth", "sum", "{event}", _OBSERVER, "Events that wait for it."
)
RESTARTS: Final = Metric(
    "wasmhost.observer.restarts", "counter", "{restart}", (*_OBSERVER, "outcome"), "Sandboxes made anew."
)
LOGS: Final = Metric("wasmhost.observer.logs", "counter", "{line}", (*_OBSERVER, "outcome"), "Its log lines.")
REPORTS: Final = Metric(
    "wasmhost.observer.reports",
    "counter",
    "{report}",
    (*_OBSERVER, "outcome"),
    "Its reports; metrics that there was no room for are among the dropped.",
)
SAVES_REFUSED: Final = Metric(
    "wasmhost.observer.saves.refused", "counter", "{save}", _OBSERVER, "States that were too large to keep."
)
SUPPRESSED: Final = Metric(
    "wasmhost.observer.suppressed",
    "counter",
    "{request}",
    (*_OBSERVER, "what"),
    "What its rates did not let pass; metrics: what was over the number of names it may have.",
)
SUPPRESSED_SIZE: Final = Metric(
    "wasmhost.observer.suppressed.size", "counter", "By", (*_OBSERVER, "what"), "The same in bytes."
)
DELIVERED: Final = Metric(
    "wasmhost.hook.delivered", "counter", "{event}", _HOOK, "Calls of the hook that returned."
)
PANICS: Final = Metric(
    "wasmhost.hook.panics", "counter", "{panic}", (*_HOOK, "kind"), "Calls of the hook that trapped, by kind."
)
DROPPED: Final = Metric(
    "wasmhost.hook.dropped", "counter", "{event}", (*_HOOK, "reason"), "Events it should have had, by reason."
)
SKIPPED: Final = Metric(
    "wasmhost.hook.skipped", "counter", "{event}", _HOOK, "Events that came while the hook was in quarantine."
)
DISGUISED: Final = Metric(
    "wasmhost.hook.disguised", "counter", "{event}", _HOOK, "Events it was given less of than there was."
)
QUARANTINED: Final = Metric("wasmhost.hook.quarantined", "gauge", "1", _HOOK, "1 while it is in quarantine.")
DURATION: Final = Metric(
    "wasmhost.hook.duration", "histogram", "s", _HOOK, "How long calls that returned took, in the sandbox."
)
FUEL: Final = Metric(
    "wasmhost.hook.fuel", "histogram", "{fuel}", _HOOK, "Fuel that calls that returned took."
)
GUEST: Final = Metric(
    "wasmhost.guest.metric",
    "unknown",
    "",
    (*_OBSERVER, "name"),
    "What observers count and gauge themselves; the names are theirs, 256 at most for each.",
)
SHARD_UP: Final = Metric("wasmhost.shard.up", "gauge", "1", ("shard",), "1 while its process serves.")
SHARD_DEATHS: Final = Metric(
    "wasmhost.shard.deaths", "counter", "{process}", ("shard",), "Processes of it that died."
)
SHARD_MEMORY: Final = Metric(
    "wasmhost.shard.memory", "gauge", "By", ("shard",), "What its process has in memory."
)

METRICS: Final = (
    BUILD, UPTIME, READY, LOOP_LAG, EVENTS, REJECTED,
    CONNECTIONS, ACCEPTED, REFUSED, REPEATED,
    OBSERVER_EVENTS, OBSERVER_STATE, MAILBOX, RESTARTS, LOGS, REPORTS, SAVES_REFUSED,
    SUPPRESSED, SUPPRESSED_SIZE, DELIVERED, PANICS, DROPPED, SKIPPED, DISGUISED, QUARANTINED, DURATION, FUEL,
    GUEST, SHARD_UP, SHARD_DEATHS, SHARD_MEMORY,
)  # fmt: skip
