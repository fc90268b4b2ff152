"""Panics counted by signature, in memory, bounded whatever guests do.

A guest can panic a hundred thousand times a second and choose its frames. So equal panics become
one count with the newest few full records, an observer has a bounded number of signatures, and the
events in those records share a bounded number of bytes. Counts are always exact; only detail is
given up.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wasmhost.panics.record import other_signature, signature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmhost.panics.record import Panic

KEEP = 5
"""How many full records of one signature are kept: the newest."""
MAX_SIGNATURES = 256
"""How many signatures one observer has; its panics beyond share one more, see other_signature()."""
EVENT_BYTES = 16 * 1024 * 1024
"""How many bytes of events are held before only the newest record of each signature is kept."""


@dataclass(slots=True)
class Tally:
    """The panics of one signature: how many, when (Unix ns) and the newest few, oldest first."""

    signature: str
    observer: str
    first_at: int
    last_at: int
    count: int = 0
    newest: deque[Panic] = field(default_factory=deque["Panic"])


class Tallies:
    """All panics that wait to be written, by signature. Not safe from several threads."""

    def __init__(self) -> None:
        self._by_signature: dict[str, Tally] = {}
        self._signatures: Counter[str] = Counter()
        self._event_bytes = 0

    def __len__(self) -> int:
        return len(self._by_signature)

    def __iter__(self) -> Iterator[Tally]:
        return iter(self._by_signature.values())

    def add(self, panic: Panic) -> None:
        """Count one panic and keep its record among the newest."""
        tally = self._tally(signature(panic), panic.observer, panic.happened_at)
        tally.count += 1
        tally.first_at = min(tally.first_at, panic.happened_at)
        tally.last_at = max(tally.last_at, panic.happened_at)
        self._keep(tally, panic)

    def add_later(self, later: Tallies) -> None:
        """Take over what was counted after these, so that these can be written with them."""
        for other in later:
            tally = self._tally(other.signature, other.observer, other.first_at)
            tally.count += other.count
            tally.first_at = min(tally.first_at, other.first_at)
            tally.last_at = max(tally.last_at, other.last_at)
            for panic in other.newest:
                self._keep(tally, panic)

    def _tally(self, wanted: str, observer: str, at: int) -> Tally:
        if wanted not in self._by_signature and self._signatures[observer] >= MAX_SIGNATURES:
            wanted = other_signature(observer)
        tally = self._by_signature.get(wanted)
        if tally is None:
            tally = self._by_signature[wanted] = Tally(wanted, observer, first_at=at, last_at=at)
            self._signatures[observer] += 1
        return tally

    def _keep(self, tally: Tally, panic: Panic) -> None:
        tally.newest.append(panic)
        self._event_bytes += len(panic.event)
        keep = KEEP if self._event_bytes <= EVENT_BYTES else 1
        while len(tally.newest) > keep:
            self._event_bytes -= len(tally.newest.popleft().event)
