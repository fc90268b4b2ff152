"""How old a record is when its sink fails, whatever is done to the clock on the wall meanwhile."""

from __future__ import annotations

import time
from typing import NamedTuple


class Outage(NamedTuple):
    """The time since a sink last worked, or since its host was started: from the first try that failed.

    What waits was stamped by the clock on the wall, as it may wait over restarts. That clock can jump: by
    what it says, records that came a moment ago could be a year old, and be given up at once.
    """

    wall_ns: int
    steady_ns: int

    @classmethod
    def now(cls) -> Outage:
        """Begin one."""
        return cls(time.time_ns(), time.monotonic_ns())

    def age_ns(self, queued_at: int) -> int:
        """How old a record is: what it was when this began, and what has passed since by the steady clock.

        One that came later is no older than this is, either.
        """
        before = max(0, self.wall_ns - queued_at)
        since = time.monotonic_ns() - self.steady_ns
        return before + since if before else min(time.time_ns() - queued_at, since)
