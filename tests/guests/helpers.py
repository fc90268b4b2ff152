"""Where things are, events as plain maps, and what the probe should make of them."""

from __future__ import annotations

import importlib
import io
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cbor2
import pytest

from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.contract.schema import RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from wasmhost.testing import Delivery, Observer

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
PREBUILT = ROOT / "wasmhost" / "demo" / "guests"
TRACES = ROOT / "wasmhost" / "demo" / "traces"
REAL = TRACES / "actr-0.4.21-loopback.cborseq"
SYNTHETIC = TRACES / "synthetic.cborseq"

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


def _identity(realm: int, serial: int, name: str) -> Event:
    kind = {"name": name, "version": "1.0.0", "manufacturer": "lab"}
    return {"type": kind, "realm": {"realm-id": realm}, "serial-number": serial}
