"""Where a report's two ways part: the direct one, and the one by the outbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wasmhost.host.ports import ReportTaker
    from wasmhost.sinks.base import ReportRecord
    from wasmhost.sinks.outbox import Outbox


class ReportTap:
    """Gives each report to the outbox, and then to whoever took it before; see `ReportTaker`.

    What the direct way has no room for still goes by the other, and the other way round.
    """

    def __init__(self, outbox: Outbox, direct: ReportTaker) -> None:
        self._outbox = outbox
        self._direct = direct

    @property
    def full(self) -> bool:
        """Whether a lossless run has to wait."""
        return self._direct.full or self._outbox.full

    def put(self, record: ReportRecord) -> bool:
        """Take one report; False where it had no room on the direct way."""
        self._outbox.put(record)
        return self._direct.put(record)
