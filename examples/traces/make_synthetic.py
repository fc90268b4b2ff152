"""Writes wasmhost/demo/traces/synthetic.cborseq: what the recorded trace lacks.

    python examples/traces/make_synthetic.py [OUT]

Five nodes of four realms over a quarter of an hour: relayed connections whose share crosses a threshold up
and down, peers that flap, credentials that end soon, callers, gaps in ``seq``, a node that restarts as a new
source, names in many scripts, numbers at their limits, optional fields that are absent, keys and hooks that
the contract does not know. Deterministic: the same bytes on every machine and every Python.
"""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cbor2

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

OUT = Path(__file__).resolve().parents[2] / "wasmhost" / "demo" / "traces" / "synthetic.cborseq"

U32_MAX = 2**32 - 1
U64_MAX = 2**64 - 1
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
BEGIN = 1_795_500_000 * SECOND  # 2026-11-24, the day after the recorded trace

Event = dict[str, Any]


def actr_id(realm: int, serial: int, name: str, *, maker: str = "lab", version: str = "1.0.0") -> Event:
    """Make an identity as it travels."""
    kind = {"manufacturer": maker, "name": name, "version": version}
    return {"realm": {"realm-id": realm}, "serial-number": serial, "type": kind}


@dataclass
class Source:
    """One emitter instance: who it is, and where its sequence stands.

    ``src`` None: the file is the source.
    """

    me: Event
    src: str | None
    seq: int = 0
    requests: int = 0

    def emit(self, at: int, hook: str, event: Event | None = None, **more: Any) -> Event:
        """Make the node's next event. ``more`` goes to the envelope; ``ctx=None`` leaves the context out."""
        self.requests += 1
        context = {"self-id": self.me, "request-id": f"hook-{self.requests}"}
        item = {"at": at, "ctx": context, "seq": self.seq, "hook": hook, "event": event or {}} | more
        if self.src is not None:
            item["src"] = self.src
        self.seq += 1
        return {key: value for key, value in item.items() if value is not None}

    def lose(self, events: int) -> None:
        """Leave a gap: so many events never arrived."""
        self.seq += events


TOKYO = actr_id(7, 1, "中継-東京", maker="株式会社ラボ")
CAIRO = actr_id(8, U64_MAX, "وسيط القاهرة", maker="מעבדה", version="2.0.0-β")
KYIV = actr_id(U32_MAX, 2**53 + 1, "Вузол-Київ", maker="Ørsted & Şahin")
PLAIN = actr_id(0, 0, "plain")
LIMITS = actr_id(U32_MAX, U64_MAX, "👩‍🚀", maker="", version="")

PEERS = [
    actr_id(7, 101, "エッジ"),
    actr_id(7, 102, "Zürich"),
    actr_id(8, 103, "edge-ελ"),
    actr_id(7, 104, "भारत"),
    actr_id(8, 105, "e\u0301 decomposed"),
    actr_id(0, 106, "edge-\U0001f680"),
]


@dataclass
class Timeline:
    """A source's events in time, a scene at a time."""

    source: Source
    at: int
    events: list[Event] = field(default_factory=list)

    def then(self, after: int, hook: str, event: Event | None = None, **more: Any) -> None:
        """Add an event that comes ``after`` nanoseconds after the one before."""
        self.at += after
        self.events.append(self.source.emit(self.at, hook, event, **more))


def start(line: Timeline, *, attempts: Iterable[int | None] = (1,)) -> None:
    """Bring a node up: the early hooks have no context, because it has no identity yet."""
    for attempt in attempts:
        payload = {} if attempt is None else {"attempt": attempt}
        line.then(SECOND, "on_signaling_connecting", payload, ctx=None)
    line.then(SECOND // 100, "on_signaling_connected", ctx=None)
    line.then(SECOND // 1000, "on_credential_renewed", {"new-expiry": line.at + 24 * HOUR})
    line.then(SECOND // 1000, "on_start")
    line.then(SECOND // 1000, "on_ready")


def connect(line: Timeline, peer: Event, *, relayed: bool | None, after: int, **ctx: Any) -> None:
    """Make a WebRTC connection; ``relayed`` None: the node does not say."""
    more = {"ctx": {"self-id": line.source.me, "request-id": "", **ctx}} if ctx else {}
    line.then(after, "on_webrtc_connecting", {"peer": peer, "status": "connecting"}, **more)
    payload: Event = {"peer": peer, "status": "connected"}
    if relayed is not None:
        payload["relayed"] = relayed
    line.then(SECOND // 10, "on_webrtc_connected", payload, **more)


def relay_waves(line: Timeline, waves: Iterable[tuple[int, float]], dice: random.Random) -> None:
    """Make waves of connections, each so many with such a chance of being relayed."""
    for count, share in waves:
        for index in range(count):
            # Random.random() alone is the same on every Python for the same seed.
            relayed = dice.random() < share
            caller = {"caller-id": PEERS[(index + 1) % len(PEERS)]} if index % 5 == 0 else {}
            connect(line, PEERS[index % len(PEERS)], relayed=relayed, after=2 * SECOND, **caller)


def disconnects(line: Timeline, steps: Iterable[tuple[int, str, Event, str | None]]) -> None:
    """Lose peers: after how many seconds, over which transport, who, and with which status."""
    for seconds, transport, peer, status in steps:
        payload = {"peer": peer} if status is None else {"peer": peer, "status": status}
        line.then(seconds * SECOND, f"on_{transport}_disconnected", payload)


def tokyo() -> Iterator[Event]:
    """Realm 7: the share of relayed connections goes up, down, and up again; then the node restarts."""
    dice = random.Random(7)  # noqa: S311 - reproducible on purpose
    line = Timeline(Source(TOKYO, "tokyo/1"), BEGIN)
    start(line)
    relay_waves(line, [(12, 0.0), (12, 0.9), (30, 0.05), (18, 1.0)], dice)
    line.then(SECOND, "on_mailbox_backpressure", {"queue-len": 129, "threshold": 128})
    line.source.lose(1)
    line.then(SECOND, "on_signaling_disconnected")
    line.then(SECOND, "on_stop")
    yield from line.events
    again = Timeline(Source(TOKYO, "tokyo/2"), line.at + 5 * SECOND)
    start(again, attempts=(1, 2, 3))
    relay_waves(again, [(10, 0.0)], dice)
    yield from again.events


def cairo() -> Iterator[Event]:
    """Realm 8: relayed from the first connection on. And peers that flap, or only seem to."""
    line = Timeline(Source(CAIRO, "cairo/1"), BEGIN + 30 * SECOND)
    start(line, attempts=(None, U32_MAX))
    dice = random.Random(8)  # noqa: S311 - reproducible on purpose
    relay_waves(line, [(14, 1.0), (50, 0.0)], dice)
    often, seldom, mixed = PEERS[0], PEERS[1], PEERS[2]
    disconnects(
        line,
        [
            # Three in 16 seconds; what recovers in between does not count.
            (5, "webrtc", often, "idle"),
            (2, "webrtc", often, "recovering"),
            (6, "webrtc", often, "idle"),
            (2, "webrtc", often, "recovering"),
            (6, "webrtc", often, None),
            # One transport after the other.
            (1, "websocket", mixed, None),
            (9, "webrtc", mixed, "idle"),
            (9, "websocket", mixed, None),
            # As many, but minutes apart.
            (90, "webrtc", seldom, "idle"),
            (90, "webrtc", seldom, "idle"),
            (90, "webrtc", seldom, "idle"),
        ],
    )
    line.source.lose(1000)
    line.then(SECOND, "on_ready")
    yield from line.events


def kyiv() -> Iterator[Event]:
    """Credentials that end within a day, an hour, never, and some that have ended already; and errors."""
    line = Timeline(Source(KYIV, "київ-🛰/1"), BEGIN + 45 * SECOND)
    start(line)
    soon = line.at + 10 * MINUTE
    for after, expiry in ((1, line.at + 72 * HOUR), (2, soon), (30, soon), (30, soon), (30, soon + HOUR)):
        line.then(after * SECOND, "on_credential_expiring", {"new-expiry": expiry})
    line.then(SECOND, "on_credential_renewed", {"new-expiry": line.at + 24 * HOUR})
    line.then(MINUTE, "on_credential_expiring", {"new-expiry": line.at})
    line.then(SECOND, "on_credential_expiring", {"new-expiry": 0})
    line.then(SECOND, "on_credential_expiring", {"new-expiry": U64_MAX})
    line.then(SECOND, "on_credential_renewed", {"new-expiry": U64_MAX})
    line.source.lose(3)
    for event in errors(line.at):
        line.then(SECOND, "on_error", event)
    line.then(SECOND, "on_stop")
    yield from line.events


def errors(at: int) -> Iterator[Event]:
    """One error of each category, and an uncertain stream with all it can carry."""
    said = {
        "handler-panic": ("internal", "index out of bounds: the len is 3 but the index is 7"),
        "handler-error": ("invalid-argument", 'очередь "заявки" пуста'),
        "signaling-failure": ("unavailable", "接続が拒否されました"),
        "transport-failure": ("deadline-exceeded", "ICE: no candidate pair, tab\tand\nnewline"),
        "data-stream-delivery-uncertain": ("unavailable", "delivery uncertain after disconnect"),
    }
    for category, (kind, message) in said.items():
        source = {"kind": kind, "message": message}
        yield {"source": source, "category": category, "context": "", "at": at}
    stream = {"stream-id": "поток-🌊", "session-id": U64_MAX, "reason": "data channel closed"}
    words = "stream_id=поток-🌊; session_id=18446744073709551615; reason=data channel closed"
    yield {
        "source": {"kind": "unavailable", "message": "x" * 3000},
        "category": "data-stream-delivery-uncertain",
        "context": words,
        "at": U64_MAX,
        "stream": stream,
    }


def plain() -> Iterator[Event]:
    """Play a node that does not name its source, uses WebSockets, and says more than the contract knows."""
    line = Timeline(Source(PLAIN, None), BEGIN + MINUTE)
    start(line)
    for peer in PEERS:
        line.then(SECOND, "on_websocket_connecting", {"peer": peer})
        line.then(SECOND // 10, "on_websocket_connected", {"peer": peer, "status": "connected"})
    for relayed in (None, False, True, None):
        connect(line, PEERS[5], relayed=relayed, after=SECOND)
    disconnects(line, [(12, "websocket", PEERS[5], None)] * 4)
    line.then(SECOND, "on_ready", ctx=None)  # no identity where one is needed: nobody gets this one
    later = {"zone": "eu-1", "weights": [-1, 2**40, None, True, 0.5], "raw": b"\x00\xff", "deep": {"er": {}}}
    id_of_the_future = actr_id(0, 107, "future") | {"labels": later}
    line.then(
        SECOND,
        "on_webrtc_connected",
        {"peer": id_of_the_future, "relayed": False, "round-trip-ms": 12, "a": later},
        trace={"id": b"\x01" * 16},
        ctx={"self-id": PLAIN, "caller-id": id_of_the_future, "request-id": "", "span": later},
    )
    line.then(SECOND, "on_quota_exceeded", {"limit": 5, "used": 6})
    line.then(SECOND, "on_webrtc_renegotiated", {"peer": PEERS[0]})
    line.then(SECOND, "on_signaling_disconnected")
    yield from line.events


def limits() -> Iterator[Event]:
    """Every number at its limit, the last sequence numbers that there are, and the end of time."""
    source = Source(LIMITS, "limits", seq=U64_MAX - 4)
    yield source.emit(0, "on_start", ctx={"self-id": LIMITS, "request-id": ""})
    line = Timeline(source, BEGIN + 15 * MINUTE)
    line.then(0, "on_mailbox_backpressure", {"queue-len": U64_MAX, "threshold": U64_MAX})
    line.then(0, "on_mailbox_backpressure", {"queue-len": 0, "threshold": 0})
    line.then(SECOND, "on_webrtc_connected", {"peer": LIMITS, "relayed": True, "status": "idle"})
    line.then(U64_MAX - line.at, "on_stop")
    yield from line.events


def synthetic() -> bytes:
    """Make the trace: all nodes' events in the order of their time, each in deterministic encoding."""
    nodes = (tokyo, cairo, kyiv, plain, limits)
    events = [event for node in nodes for event in node()]
    events.sort(key=lambda event: int(event["at"]))  # stable: a source's own order stays
    return b"".join(cbor2.dumps(event, canonical=True) for event in events)


def main() -> int:
    """Write the trace to the path on the command line, or to its place in the package."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(synthetic())
    return 0


if __name__ == "__main__":
    sys.exit(main())
