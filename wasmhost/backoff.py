"""How long to wait before the next try, as a pure state machine: nothing here reads a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random

_JITTER: Final = 0.5  # a wait is between this share of its nominal length and all of it


class Backoff:
    """How long to wait after a failure: doubling from ``first`` to ``longest``, with jitter.

    The jitter keeps a fleet that met the same trouble from coming back as one.
    """

    def __init__(self, first: float, longest: float, jitter: random.Random) -> None:
        """Both waits in seconds; 0 and 0 for none."""
        self._first = first
        self._longest = longest
        self._jitter = jitter
        self._in_a_row = 0

    def failed(self) -> float:
        """Count a failure; seconds to wait before the next try."""
        # 2 ** 64 times any first wait is past any longest one, and no float overflows.
        wait = min(self._longest, self._first * 2.0 ** min(self._in_a_row, 64))
        self._in_a_row += 1
        return wait * self._jitter.uniform(_JITTER, 1.0)

    def succeeded(self) -> None:
        """Start again from the first wait."""
        self._in_a_row = 0
