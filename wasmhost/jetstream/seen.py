"""Which events of which source were taken already: so that none is taken twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

_SOURCES: Final = 65_536
_HOLES: Final = 64


@dataclass(slots=True)
class _Source:
    last: int
    holes: list[tuple[int, int]] = field(default_factory=list[tuple[int, int]])
    """Numbers below ``last`` that have not come: first and last of each gap, the latest gap at the end."""


class Seen:
    """Remembers what came of each source; of very many, the latest heard.

    A source numbers its events without gaps. One that comes late, because another overtook it on the way, is
    not one that came twice: so gaps are remembered, the latest of each source.
    """

    def __init__(self) -> None:
        self._sources: dict[str, _Source] = {}

    def is_new(self, src: str, seq: int) -> bool:
        """Note an event; False where it came before."""
        source = self._sources.pop(src, None)
        if source is None:
            self._sources[src] = _Source(seq)
            if len(self._sources) > _SOURCES:
                self._sources.pop(next(iter(self._sources)))
            return True
        self._sources[src] = source
        if seq <= source.last:
            return _filled(source.holes, seq)
        if seq > source.last + 1:
            source.holes.append((source.last + 1, seq - 1))
            del source.holes[:-_HOLES]
        source.last = seq
        return True


def _filled(holes: list[tuple[int, int]], seq: int) -> bool:
    """Take a number out of the gaps; False where it is in none."""
    for place, (first, last) in enumerate(holes):
        if first <= seq <= last:
            left = ((first, seq - 1), (seq + 1, last))
            holes[place : place + 1] = [part for part in left if part[0] <= part[1]]
            return True
    return False
