"""What sinks tell the operator: of what goes on for long, ever fewer lines."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

import structlog

_log: Final = structlog.stdlib.get_logger("wasmhost.sinks")


def tell(level: str, message: str, **fields: object) -> None:
    """Write a line to the log. One that can't be written, say to a closed stderr, costs nothing else."""
    with suppress(Exception):
        getattr(_log, level)(message, **fields)


class Loss:
    """Tells of records that were given up: at once, then once in a window how many more. For one thread."""

    def __init__(self, message: str, every_s: float) -> None:
        self._message = message
        self._every_s = every_s
        self._shut_until = float("-inf")
        self._lost = 0

    def add(self, lost: int, now: float) -> None:
        """Count some, and tell of all that is untold where it is time; ``now`` is a monotonic time."""
        self._lost += lost
        if self._lost and now >= self._shut_until:
            self._shut_until = now + self._every_s
            records, self._lost = self._lost, 0
            tell("warning", self._message, records=records)


class Retries:
    """Tells of one sink: of the 1st, 2nd, 4th, 8th… try in a row that fails, and when one does not."""

    def __init__(self, sink: str) -> None:
        self._sink = sink
        self._failed = 0
        self._buried = 0
        self._invalid = 0

    def failed(self, reason: str, wait_s: float) -> None:
        """One has failed; the next is in so many seconds."""
        self._failed += 1
        if _is_worth_a_line(self._failed):
            tell(
                "warning",
                "sink failed; will retry",
                sink=self._sink,
                reason=reason,
                tries=self._failed,
                wait_s=round(wait_s, 1),
            )

    def succeeded(self) -> None:
        """One has not."""
        if self._failed:
            tell("info", "sink works again", sink=self._sink, tries=self._failed)
        self._failed = 0

    def buried(self, records: int, reason: str) -> None:
        """Some went to the dead letters."""
        before, self._buried = self._buried, self._buried + records
        if before.bit_length() != self._buried.bit_length():
            tell("error", "records are dead letters", sink=self._sink, reason=reason, records=self._buried)

    def invalid(self, observer: str, reason: str) -> None:
        """One had a body that cannot be sent; said once, as a guest decides how many there are."""
        self._invalid += 1
        if self._invalid == 1:
            tell("warning", "report dropped", sink=self._sink, observer=observer, reason=reason)


def _is_worth_a_line(count: int) -> bool:
    return count & (count - 1) == 0
