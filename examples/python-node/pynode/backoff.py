"""How long to wait before the next attempt: a little longer each time, and not at the same time as others."""

from __future__ import annotations

import asyncio
import random


class Backoff:
    """Counts attempts from 1, and waits between them: 0.1 s, twice that and so on up to ``most_s``."""

    def __init__(self, *, first_s: float = 0.1, most_s: float = 5.0) -> None:
        self.attempt = 1
        self._first_s = first_s
        self._most_s = most_s

    def reset(self) -> None:
        """Begin anew: it worked."""
        self.attempt = 0

    async def wait(self) -> None:
        """Wait before the next attempt."""
        delay = min(self._first_s * 2 ** min(self.attempt, 16), self._most_s)
        self.attempt += 1
        await asyncio.sleep(delay * (0.5 + random.random() / 2))  # noqa: S311 - no secret
