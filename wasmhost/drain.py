"""How long a host may take to end: one span of time, for all that it waits for then."""

from __future__ import annotations

import time
from typing import Final

_SHARE: Final = 0.2
"""Of the span, for each that has to wait when it is over: what was reported in it is to be written, too."""


class Drain:
    """Begins when the host is to end. Until then, what is left is all of it."""

    def __init__(self, seconds: float | None) -> None:
        """``seconds``: None for as long as it takes."""
        self._seconds = seconds
        self._until: float | None = None

    def begin(self, seconds: float | None) -> None:
        """Let the time run."""
        self._seconds = seconds
        self._until = None if seconds is None else time.monotonic() + seconds

    @property
    def left_s(self) -> float | None:
        """How long to wait now: what is left, and never less than a fifth of the whole."""
        if self._seconds is None or self._until is None:
            return self._seconds
        return max(self._until - time.monotonic(), self._seconds * _SHARE)
