"""Building guests and running traces through them, on the real engine."""

from __future__ import annotations

import importlib
import io
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cbor2
import pytest

from wasmhost.config import Limits
from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.contract.schema import RECORDS
from wasmhost.sandbox.guest import load_guest
from wasmhost.sandbox.instance import Outcome, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.traps import TrapReport
    from wasmhost.testing import Delivery, Observer

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
PREBUILT = ROOT / "wasmhost" / "demo" / "guests"
TRACES = ROOT / "wasmhost" / "demo" / "traces"
REAL = TRACES / "actr-0.4.21-loopback.cborseq"
SYNTHETIC = TRACES / "synthetic.cborseq"

GRANT = frozenset({"config", "metrics", "report", "state"})

Event = dict[str, Any]


def from_examples(name: str) -> ModuleType:
    """Import a module of ``examples/``, which is a folder of scripts and no package."""
    if str(EXAMPLES) not in sys.path:
        sys.path.insert(0, str(EXAMPLES))
    return importlib.import_module(name)


def require_cargo() -> str:
    """Return the path of cargo. Without it the test is skipped; where nothing may be skipped, it fails."""
    cargo = shutil.which("cargo")
    if cargo is not None:
        return cargo
    reason = "needs cargo: install rustup (https://rustup.rs)"
    if os.environ.get("WASMHOST_NO_SKIP") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def read_trace(path: Path) -> Iterator[tuple[Event, bytes]]:
    """Yield the events of a trace, each decoded and as it lies in the file."""
    data = path.read_bytes()
    stream = io.BytesIO(data)
    while (start := stream.tell()) < len(data):
        event = cbor2.load(stream)
        yield event, data[start : stream.tell()]


@dataclass
class Run:
    """A guest under test: deliver events to it, and see what it leaves.

    A trap discards the sandbox, as the host does; the next delivery goes to a fresh one that gets the state
    saved last.
    """

    engine: SandboxEngine
    wasm: bytes
    config: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    state: bytes | None = None
    topics: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    logs: list[tuple[str, str]] = field(default_factory=list)
    metrics: list[Any] = field(default_factory=list)
    traps: list[TrapReport] = field(default_factory=list)
    fuel: list[int] = field(default_factory=list)
    sandbox: Sandbox | None = None

    def __post_init__(self) -> None:
        self.guest = load_guest(self.engine, self.wasm, self.limits, grant=GRANT)
        self.hooks = self.guest.hook_index()

    @property
    def reports(self) -> list[tuple[str, Any]]:
        """All reports so far: topic, and decoded body."""
        return list(zip(self.topics, map(cbor2.loads, self.bodies), strict=True))

    def raw(self, hook: str, event: bytes, *, at: int = 0, seq: int = 0, lost: int = 0) -> Outcome:
        """Deliver bytes as the event of a hook."""
        if self.sandbox is None:
            self.sandbox = Sandbox(
                self.engine, self.guest, self.limits, config=self.config, state=self.state, seed=1
            )
        outcome = self.sandbox.deliver(self.hooks[hook], event, at=at, seq=seq, lost=lost, seed=2)
        self._keep(outcome)
        return outcome

    def deliver(self, event: Event, data: bytes | None = None) -> Outcome:
        """Deliver an event to the hook it names."""
        encoded = cbor2.dumps(event, canonical=True) if data is None else data
        return self.raw(event["hook"], encoded, at=event["at"], seq=event["seq"])

    def replay(self, path: Path) -> None:
        """Deliver all of a trace that the host would: known hooks, with a context where one is needed."""
        for event, data in read_trace(path):
            if event["hook"] in self.hooks and ("ctx" in event or "signaling_connect" in event["hook"]):
                self.deliver(event, data)

    def _keep(self, outcome: Outcome) -> None:
        effects = outcome.effects
        self.logs += [(line.level, line.text) for line in effects.logs]
        self.metrics += effects.metrics
        if outcome.trap is not None:
            self.traps.append(outcome.trap)
            self.close()
            return
        self.fuel.append(outcome.fuel)
        self.topics += [report.topic for report in effects.reports]
        self.bodies += [report.body for report in effects.reports]
        if effects.state is not None:
            self.state = effects.state

    def close(self) -> None:
        """Discard the sandbox."""
        if self.sandbox is not None:
            self.sandbox.close()
            self.sandbox = None


def give(observer: Observer, event: Event, data: bytes | None = None) -> Delivery:
    """Deliver a plain map, which may say what the contract does not allow, to the hook it names."""
    encoded = cbor2.dumps(event, canonical=True) if data is None else data
    return observer.deliver_bytes(
        event["hook"], encoded, at=event["at"], seq=event["seq"], src=event.get("src", "")
    )


def known(value: Any, record: str | None) -> Any:
    """Return what the contract knows of a value: the fields of its record, and those of theirs."""
    fields = RECORDS.get(record or "", {})
    if not isinstance(value, dict):
        return value
    inner = {name: kind.removeprefix("option<").removesuffix(">") for name, kind in fields.items()}
    return {name: known(value[name], kind) for name, kind in inner.items() if name in value}


def expected(event: Event) -> Event:
    """Return what the probe should have seen of an event."""
    seen = {"event": known(event["event"], HOOK_BY_NAME[event["hook"]].payload)}
    if "ctx" in event:
        seen["ctx"] = known(event["ctx"], "context")
    if "src" in event:
        seen["src"] = event["src"]
    return seen


def simple_event(hook: str) -> Event:
    """Make an event without payload."""
    event = peer_event(hook)
    event["event"] = {}
    return event


def peer_event(
    hook: str,
    *,
    at: int = 1,
    seq: int = 0,
    node: tuple[int, int] = (7, 1),
    peer: tuple[int, int] = (7, 2),
    **payload: Any,
) -> Event:
    """Make a websocket or webrtc event between two nodes, each a realm and a serial number."""
    event = {"peer": _identity(*peer, "peer"), **payload}
    context = {"self-id": _identity(*node, "node"), "request-id": ""}
    return {"at": at, "ctx": context, "seq": seq, "hook": hook, "event": event}


def credential_event(hook: str, *, at: int, expiry: int, serial: int = 1) -> Event:
    """Make a credential event of a node."""
    context = {"self-id": _identity(7, serial, "node"), "request-id": ""}
    return {"at": at, "ctx": context, "seq": 0, "hook": hook, "event": {"new-expiry": expiry}}


def _identity(realm: int, serial: int, name: str) -> Event:
    kind = {"name": name, "version": "1.0.0", "manufacturer": "lab"}
    return {"type": kind, "realm": {"realm-id": realm}, "serial-number": serial}
