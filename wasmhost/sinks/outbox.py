"""The outbox: what sinks are to be sent, durable before it is sent and kept until that is confirmed.

`put` takes a record in from any thread and never waits. The database's writer thread commits what was taken
every 100 ms, with what has been confirmed since, and couriers read from there. So what is lost with a
process that is killed is what it took in the last 100 ms and the time a commit takes; and what it sent in
that time is sent again.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from typing import TYPE_CHECKING, Final

from wasmhost.errors import DatabaseError
from wasmhost.sinks.entry import OVERHEAD
from wasmhost.sinks.ledger import Round, SinkLedger
from wasmhost.sinks.progress import Progress, Taste
from wasmhost.sinks.stage import Stage, Staged

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from wasmhost.config.sink import AnySink, OutboxConfig
    from wasmhost.database import Database
    from wasmhost.sinks.base import ReportRecord
    from wasmhost.sinks.ledger import SinkStatus

STAGE_ROWS: Final = 100_000
STAGE_BYTES: Final = 64 * 1024 * 1024
"""What may wait in memory for a disk that is slow or full."""

_Stage = Stage[tuple["ReportRecord", int, int]]
"""Of reports, for whom they are (a bit for each sink), and since when they wait (Unix ns)."""


class Outbox:
    """What waits for the sinks of one host. Safe from any thread, but for `write`, the writer thread's.

    ``dead_letters``: by sink, the file for what it could not deliver. Make it, `open` it, and close it by
    closing the database.
    """

    def __init__(
        self,
        database: Database,
        sinks: Sequence[AnySink],
        config: OutboxConfig,
        dead_letters: Mapping[str, Path],
    ) -> None:
        self.path = database.path
        self._database = database
        self._ledger = SinkLedger(sinks, config, dead_letters)
        self._lock = threading.Lock()
        self._stage = _stage()
        self._taken = 0
        self._progress: dict[int, Progress] = {}
        self._held: dict[int, int] = {}
        self._panicked: dict[str, None] = {}
        self._tastes: tuple[Taste, ...] = ()
        self._wakes: tuple[Callable[[], None], ...] = ()
        self._ending = False

    def open(self) -> None:
        """Find or make the sinks' places in the database; waits for its thread.

        :raises DatabaseError: that cannot be written, or knows too many sinks already.
        """
        self._database.attach(self)
        self._database.notify()
        self._database.flush()
        if self._ledger.problem is not None:
            raise DatabaseError(self._ledger.problem)
        if not self._ledger.begun:
            raise DatabaseError(self._database.failed or "the outbox cannot be written")
        self._tastes = self._ledger.tastes

    def on_committed(self, wake: Callable[[], None]) -> None:
        """Have ``wake`` called, on the writer's thread, whenever there is something new to send."""
        with self._lock:
            self._wakes = (*self._wakes, wake)

    # What comes in.

    def put(self, report: ReportRecord) -> None:
        """Take one report, for all sinks that are to have it. Never waits, never fails."""
        due = 0
        for taste in self._tastes:
            if taste.likes_report(report.observer, report.topic):
                due |= taste.bit
        if not due:
            return
        size = OVERHEAD + len(report.body) + len(report.topic) + len(report.src)
        with self._lock:
            self._taken += 1
            staged = Staged(self._taken, report.observer, size, (report, due, time.time_ns()))
            self._count_dropped([lost for _, lost, _ in self._stage.add(staged)])
        self._database.notify()

    @property
    def full(self) -> bool:
        """Whether a lossless run has to wait until the disk has caught up; not for one that is broken."""
        return self._stage.rows >= STAGE_ROWS // 2 and self._database.failed is None

    def panicked(self, signatures: Collection[str]) -> None:
        """Take note that the panic log has more of these than before."""
        if any("panics" in taste.sink.what for taste in self._tastes):
            with self._lock:
                self._panicked.update(dict.fromkeys(signatures))
            self._database.notify()

    def look(self) -> None:
        """Have told what it is time to tell; to be called as time goes on."""
        if time.monotonic() >= self._ledger.tell_at:
            self._database.notify()

    def end(self) -> None:
        """Have all told that waits for its time, as nothing more comes. Waits for the database's thread."""
        self._ending = True
        self._database.notify()
        self._database.flush()

    # What goes out: the couriers' side.

    def number(self, name: str) -> int:
        """Return a sink's number in the database."""
        return next(taste.bit.bit_length() - 1 for taste in self._tastes if taste.sink.name == name)

    def done(self, name: str) -> int:
        """Return up to where a sink has confirmed when the host was opened."""
        return self._ledger.places[self.number(name)].done

    def hold(self, number: int, upto: int) -> None:
        """Take note that a sink has in hand what is due to it up to this row: that is not given up."""
        with self._lock:
            self._held[number] = upto

    def note(self, number: int, progress: Progress) -> None:
        """Take note of what became of records; it is durable with the next commit."""
        with self._lock:
            self._progress.setdefault(number, Progress()).add(progress)
        self._database.notify()

    def statuses(self) -> list[SinkStatus]:
        """Say of each sink how it is going, with counts of this run."""
        return self._ledger.statuses()

    # The writer thread's side.

    def write(self, connection: sqlite3.Connection) -> None:
        """Write what was taken and what was confirmed; see :class:`~wasmhost.database.Ledger`."""
        if not self._ledger.begun:
            self._ledger.begin(connection)
            return
        with self._lock:
            stage, self._stage = self._stage, _stage()
            progress, self._progress = self._progress, {}
            panicked, self._panicked = self._panicked, {}
            held = dict(self._held)
        try:
            fresh = self._ledger.write(
                connection, Round(stage.in_order(), progress, panicked, held, all_told=self._ending)
            )
        except sqlite3.Error:
            self._take_back(stage, progress, panicked)
            raise
        if self._ledger.unfinished:
            self._database.notify()
        if fresh:
            for wake in self._wakes:
                wake()

    def _take_back(self, stage: _Stage, progress: dict[int, Progress], panicked: dict[str, None]) -> None:
        with self._lock:
            self._panicked = {**panicked, **self._panicked}
            later, self._progress = self._progress, progress
            for number, more in later.items():
                self._progress.setdefault(number, Progress()).add(more)
            later_stage, self._stage = self._stage, stage
            self._count_dropped([lost for _, lost, _ in stage.add_later(later_stage)])

    def _count_dropped(self, lost: list[int]) -> None:
        """Count, under the lock, records that had to be given up, each by the bits of who was to have it."""
        for due in lost:
            for taste in self._tastes:
                if due & taste.bit:
                    number = taste.bit.bit_length() - 1
                    self._progress.setdefault(number, Progress()).dropped += 1


def _stage() -> _Stage:
    return Stage(STAGE_ROWS, STAGE_BYTES)
