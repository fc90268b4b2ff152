"""The writer thread's side of the outbox: one transaction for all that came since the last."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from wasmhost.database_file import transaction
from wasmhost.sinks import outbox_rows, panic_news
from wasmhost.sinks.entry import Entry, Keys, report_entry, storable
from wasmhost.sinks.panic_news import PanicNews
from wasmhost.sinks.progress import Place, Progress, Taste
from wasmhost.sinks.shares import Shares
from wasmhost.sinks.telling import Loss

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from wasmhost.config.sink import AnySink, OutboxConfig
    from wasmhost.sinks.base import ReportRecord

_NUMBERS: Final = 62  # bits of a signed number in SQLite that have no sign to mind
_MIB: Final = 1024 * 1024
_TELL_EVERY_S: Final = 10.0


class Round(NamedTuple):
    """What is to be written: reports with for whom and since when, and what became of earlier ones.

    ``held``: up to where each sink has something in hand. ``all_told``: no panic waits for its window.
    """

    reports: Sequence[tuple[ReportRecord, int, int]]
    progress: Mapping[int, Progress]
    panicked: Collection[str]
    held: Mapping[int, int]
    all_told: bool

    @property
    def empty(self) -> bool:
        """Whether there is nothing to write."""
        return not (self.reports or self.progress or self.panicked or self.all_told)


@dataclass(frozen=True, slots=True)
class SinkStatus:
    """How a sink is going: what waits now, and what was counted in this run. ``error``: "" where all is well.

    ``sent`` and ``dead`` records were confirmed, or went to the dead letters; ``dropped`` ones were given up
    as the outbox was full, ``invalid`` ones had no valid CBOR for a body. ``tries_failed`` counts tries.
    """

    name: str
    kind: str
    waiting: int
    sent: int
    dead: int
    dropped: int
    invalid: int
    tries_failed: int
    error: str


class SinkLedger:
    """What the outbox has on disk. For the writer thread only, but for `statuses` and `tell_at`.

    ``tell_at``: when there is a panic to tell of whose window is over then, by the monotonic clock.
    """

    def __init__(
        self, sinks: Sequence[AnySink], config: OutboxConfig, dead_letters: Mapping[str, Path]
    ) -> None:
        self.begun = False
        self.problem: str | None = None
        self.places: dict[int, Place] = {}
        self.tastes: tuple[Taste, ...] = ()
        self.unfinished = False
        self.tell_at = float("inf")
        self._sinks = sinks
        self._dead_letters = dead_letters
        self._shares = Shares(config.rows, config.mib * _MIB)
        self._news = PanicNews(config.panics_every_s)
        self._keys = Keys()
        self._cleaned = 0
        self._absent = 0
        self._loss = Loss(
            "the outbox is full: the oldest records of whoever has most are dropped", _TELL_EVERY_S
        )

    def statuses(self) -> list[SinkStatus]:
        """Say how each of our sinks is going; from any thread."""
        kinds = {sink.name: sink.kind for sink in self._sinks}
        return [
            SinkStatus(
                place.name,
                kinds[place.name],
                max(0, place.waiting),
                place.total.sent,
                place.total.dead,
                place.total.dropped,
                place.total.invalid,
                place.total.tries_failed,
                place.total.error or "",
            )
            for place in self.places.values()
            if place.present
        ]

    # Opening.

    def begin(self, connection: sqlite3.Connection) -> None:
        """Give each sink its place: where it was, or for a new one behind all there is."""
        with transaction(connection):
            self._register(connection)
            if self.problem is not None:
                return
            if any("panics" in sink.what for sink in self._sinks):
                self._news.panicked(panic_news.begin(connection))
                self.tell_at = self._news.next_at(time.monotonic())
        known = {sink.name: sink for sink in self._sinks}
        rows = outbox_rows.sink_rows(connection)
        for row in rows:
            waiting = outbox_rows.waiting(connection, row).rows
            self.places[row.number] = Place(row.name, row.done, row.name in known, waiting)
        self.tastes = tuple(Taste(1 << row.number, known[row.name]) for row in rows if row.name in known)
        self._absent = sum(
            1 << number for number, place in self.places.items() if not place.present and place.waiting
        )
        self._shares.add_all(outbox_rows.counted(connection))
        self.begun = True

    def _register(self, connection: sqlite3.Connection) -> None:
        known = {row.name: row.number for row in outbox_rows.sink_rows(connection)}
        free = (number for number in range(_NUMBERS) if number not in known.values())
        last = outbox_rows.end(connection)
        for sink in self._sinks:
            number = known[sink.name] if sink.name in known else next(free, None)
            if number is None:
                self.problem = (
                    f"the database has {_NUMBERS} sinks already, most of them no longer configured; "
                    "see `wasmhost sinks`, and forget some with --forget NAME"
                )
                return
            connection.execute(
                "INSERT INTO sink (number, name, kind, dead_letter, done) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET kind = excluded.kind, dead_letter = excluded.dead_letter",
                (number, sink.name, sink.kind, storable(str(self._dead_letters[sink.name].absolute())), last),
            )

    # Writing.

    def write(self, connection: sqlite3.Connection, what: Round) -> bool:
        """Write a round, in one transaction; whether there is something new to send."""
        now = time.monotonic()
        self._news.panicked(what.panicked)
        due = self._news.due(now, all_of_it=what.all_told)
        if what.empty and not due and not self.unfinished:
            self._loss.add(0, now)
            return False
        entries = [report_entry(report, bits, self._keys.next(), at) for report, bits, at in what.reports]
        shares = self._shares.copy()
        progress = {number: made.copy() for number, made in what.progress.items()}
        with transaction(connection):
            entries += self._panic_entries(connection, due)
            outbox_rows.insert(connection, entries)
            shares.add_entries(entries)
            done = self._done(progress)
            cleaned, gone = outbox_rows.clean(connection, self._cleaned, min(done.values()), self._absent)
            shares.add_all((who, observer, -rows, -size) for who, observer, rows, size in gone)
            self._make_room(connection, shares, done, what.held, progress)
            for number, made in progress.items():
                made.write(connection, number)
        # Committed: only now is it so.
        self._shares, self._cleaned = shares, cleaned
        self._news.told(due, now)
        self.tell_at = self._news.next_at(now)
        self._settle(entries, what.progress, progress)
        self.unfinished = cleaned < min(done.values()) or shares.full
        self._loss.add(sum(made.dropped for made in progress.values()), now)
        return bool(entries)

    def _panic_entries(self, connection: sqlite3.Connection, signatures: Iterable[str]) -> list[Entry]:
        entries: list[Entry] = []
        at = time.time_ns()
        for signature in signatures:
            told = panic_news.tell(connection, signature)
            if told is None:
                continue
            due = sum(taste.bit for taste in self.tastes if taste.likes_panics(told.observer))
            if due:
                entries.append(
                    Entry(
                        due,
                        "panic",
                        told.observer,
                        told.kind,
                        self._keys.next(),
                        at,
                        storable(told.src),
                        told.seq,
                        told.at,
                        told.body,
                    )
                )
        return entries

    def _done(self, progress: Mapping[int, Progress]) -> dict[int, int]:
        """Up to where each present sink has confirmed, this round included."""
        none = Progress()
        return {
            number: max(place.done, progress.get(number, none).done)
            for number, place in self.places.items()
            if place.present
        }

    def _make_room(
        self,
        connection: sqlite3.Connection,
        shares: Shares,
        done: Mapping[int, int],
        held: Mapping[int, int],
        progress: dict[int, Progress],
    ) -> None:
        """Give up the oldest of whoever has most, but not what the slowest has in hand."""
        slowest = min(done, key=done.__getitem__)
        in_hand = (done[slowest], max(done[slowest], held.get(slowest, 0)))
        reached = {
            number: max(done.get(number, place.done), held.get(number, 0))
            for number, place in self.places.items()
        }
        while (excess := shares.excess()) is not None:
            owner = excess.owner
            lost = outbox_rows.give_up(connection, owner.what, owner.observer, excess.rows, in_hand)
            if not lost:
                return
            shares.add(owner, -len(lost), -sum(entry.size for entry in lost))
            for number, upto in reached.items():
                dropped = sum(1 for entry in lost if entry.due >> number & 1 and entry.row > upto)
                if dropped:
                    progress.setdefault(number, Progress()).dropped += dropped

    def _settle(
        self, entries: Sequence[Entry], noted: Mapping[int, Progress], progress: Mapping[int, Progress]
    ) -> None:
        """Count what was committed; what was ``noted`` as dropped was never in the database."""
        never_there = {number: made.dropped for number, made in noted.items()}
        for due, count in Counter(entry.due for entry in entries).items():
            for number, place in self.places.items():
                if due >> number & 1:
                    place.waiting += count
        for number, made in progress.items():
            place = self.places[number]
            place.done = max(place.done, made.done)
            place.waiting -= made.sent + made.dead + made.invalid + made.dropped - never_there.get(number, 0)
            place.total.add(made)
