"""Events to send, and what became of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import cbor2

from wasmhost.contract.codec import Frame
from wasmhost.sources.base import Rejected, SourceEnded, SourceItem

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

TRACE = Path(__file__).parents[2] / "wasmhost" / "demo" / "traces" / "actr-0.4.21-loopback.cborseq"


def event(seq: int, src: str | None = None, hook: str = "on_signaling_connected") -> bytes:
    """Return an event in deterministic encoding."""
    value: dict[str, object] = {"at": seq + 1, "seq": seq, "hook": hook, "event": {}}
    if src is not None:
        value["src"] = src
    return cbor2.dumps(value, canonical=True)


def hello(src: str, token: str | None = None, *, ack: bool = False) -> bytes:
    """Return the first item of a stream that says who speaks."""
    value: dict[str, object] = {"src": src, "hello": 1}
    value |= {"ack": True} if ack else {}
    value |= {} if token is None else {"token": token}
    return cbor2.dumps(value, canonical=True)


def descriptors() -> set[int]:
    """Return the file descriptors this process has open."""
    with os.scandir("/proc/self/fd") as entries:
        return {int(entry.name) for entry in entries}


async def collect(source: AsyncIterable[SourceItem]) -> list[SourceItem]:
    """Return all that a source yields."""
    return [item async for item in source]


def frames(items: list[SourceItem]) -> list[tuple[str | None, int]]:
    """Return who sent each event, and its number."""
    return [(item.src, item.seq) for item in items if isinstance(item, Frame)]


def rejected(items: list[SourceItem]) -> list[Rejected]:
    """Return what was skipped."""
    return [item for item in items if isinstance(item, Rejected)]


def ends(items: list[SourceItem]) -> list[SourceEnded]:
    """Return what has ended, and how."""
    return [item for item in items if isinstance(item, SourceEnded)]
