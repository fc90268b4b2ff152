"""Numbers for the operator's dashboards. Names are at most 256 bytes."""

from __future__ import annotations

from operator import index
from typing import Final

from wasmhost_observer import raw

_counter_add: Final = raw.imported("metrics", "counter-add")
_gauge_set: Final = raw.imported("metrics", "gauge-set")
_U64_MAX: Final = (1 << 64) - 1


def counter_add(name: str, by: int = 1) -> None:
    """Add a number of 0 to 2^64-1 to a counter."""
    if not 0 <= by <= _U64_MAX:
        raise ValueError(f"counter {name}: {by} is no unsigned number of 64 bits")
    _counter_add(raw.text(name), index(by))


def gauge_set(name: str, value: float) -> None:
    """Set a gauge."""
    _gauge_set(raw.text(name), float(value))
