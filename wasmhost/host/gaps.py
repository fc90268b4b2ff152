"""Which events of a source never arrived: gaps in its contiguous numbering."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

_SOURCES: Final = 65_536
_LONGEST_NAME: Final = 255
MOST_LOST: Final = (1 << 32) - 1
"""In one gap. No source numbers that many events between two of ours; who jumps farther makes numbers up, and
gaps are summed up in 64 bits."""


class GapTracker:
    """Remembers the last sequence number of each source; of very many, the latest heard.

    What was sent again must be left out before (a source that acknowledges does so): here a number that goes
    back is taken for a new start.
    """

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def lost_before(self, src: str, seq: int) -> int:
        """How many events of ``src`` are missing between this one and the one before.

        A number that does not go up is a repetition or a new start, not a gap. At most `MOST_LOST`.
        """
        if len(src) > _LONGEST_NAME:  # a stranger chooses how long it is, and 65,536 of them are kept
            src = blake2b(src.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        last = self._last.pop(src, None)
        self._last[src] = seq
        if last is None:
            if len(self._last) > _SOURCES:
                self._last.pop(next(iter(self._last)))
            return 0
        return min(max(0, seq - last - 1), MOST_LOST)
