"""Panics to record."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from wasmhost.panics.record import Panic, PanicKind

if TYPE_CHECKING:
    from wasmhost.panics.store import PanicRow

PANIC = Panic(
    observer="relay-watch",
    module_sha256="ab" * 32,
    hook="on_webrtc_connected",
    src="node-1",
    seq=7,
    at=1_700_000_000_000_000_000,
    kind=PanicKind.UNREACHABLE,
    message="index out of range",
    backtrace=("relay_watch::ratio", "on-webrtc-connected"),
    fuel_budget=10_000_000,
    event=b"\xa1\x00\x01",
    lost=0,
    wasmtime="50.0.1",
    happened_at=1_800_000_000_000_000_000,
)


# Any: the fields of Panic, which the constructor checks by name.
def panic(**changes: Any) -> Panic:
    """Return a panic that differs from PANIC in the fields given."""
    return replace(PANIC, **changes)


def counts(rows: list[PanicRow]) -> dict[str, int]:
    """Return how often each observer panicked, over all its rows."""
    total: dict[str, int] = {}
    for row in rows:
        total[row.observer] = total.get(row.observer, 0) + row.count
    return total
