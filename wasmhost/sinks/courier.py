"""A courier brings one sink what is due to it: in order, again until it is confirmed, and never too fast."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final, NamedTuple

import anyio.to_thread

from wasmhost.backoff import Backoff
from wasmhost.database_file import explain, open_for_reading
from wasmhost.errors import DatabaseError
from wasmhost.sinks import dead_letters, outbox_rows
from wasmhost.sinks.entry import message
from wasmhost.sinks.outage import Outage
from wasmhost.sinks.progress import Progress
from wasmhost.sinks.telling import Retries, tell
from wasmhost.sinks.transport import Refused, TryLater
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from wasmhost.config.sink import AnySink
    from wasmhost.sinks.entry import Message
    from wasmhost.sinks.outbox import Outbox
    from wasmhost.sinks.transport import Transport

LOOK_EVERY_S: Final = 2.0
"""How often a courier looks by itself: somebody may have put dead letters back."""
_BODY_BYTES: Final = 512 * 1024
_NS: Final = 1_000_000_000


class Page(NamedTuple):
    """What was read at once: all that is due up to this row, but for so many that had no valid body."""

    messages: list[Message]
    upto: int
    invalid: int


class Courier:
    """Serves one sink, in one task. ``idle``: it has found nothing more to send when it looked last."""

    def __init__(self, sink: AnySink, transport: Transport, outbox: Outbox, dead_letter: Path) -> None:
        self.idle = False
        self._sink = sink
        self._transport = transport
        self._outbox = outbox
        self._dead_letter = dead_letter
        self._number = outbox.number(sink.name)
        self._done = outbox.done(sink.name)
        self._news = asyncio.Event()
        self._retries = Retries(sink.name)
        self._outage: Outage | None = None
        first, longest = sink.backoff_ms
        # Not for secrets: so that many hosts don't come back at once.
        self._backoff = Backoff(first / 1000, longest / 1000, random.Random())  # noqa: S311

    def wake(self) -> None:
        """Say that there may be something to send; on the loop's thread."""
        self.idle = False
        self._news.set()

    async def run(self) -> None:
        """Send what there is, and what comes, until cancelled."""
        while True:
            self._news.clear()
            found = await self._read()
            for batch in pieces(found.messages, self._sink.batch):
                await self._deliver(batch)
            if found.upto > self._done or found.invalid:
                # What came behind the last of them is for others, or can't be sent.
                self._done = max(self._done, found.upto)
                self._outbox.note(self._number, Progress(done=self._done, invalid=found.invalid))
            if not found.messages and not found.invalid:
                self.idle = not self._news.is_set()
                await self._wait(LOOK_EVERY_S)

    async def _wait(self, longest_s: float) -> None:
        try:
            async with asyncio.timeout(longest_s):
                await self._news.wait()
        except TimeoutError:
            return

    # Reading.

    async def _read(self) -> Page:
        """Read what is next, and take it in hand; nothing where the database cannot be read now."""
        try:
            found = await anyio.to_thread.run_sync(self._page)
        except (DatabaseError, sqlite3.Error) as error:
            why = explain(self._outbox.path, error) if isinstance(error, sqlite3.Error) else str(error)
            await self._failed(why, 0.0)
            return Page([], self._done, 0)
        if found.messages:
            self._outbox.hold(self._number, found.upto)
        return found

    def _page(self) -> Page:
        """Read, and make JSON of it; on a thread."""
        with closing(open_for_reading(self._outbox.path)) as connection:
            entries, upto = outbox_rows.page(connection, self._number, self._done)
        found: list[Message] = []
        for row, entry in entries:
            try:
                found.append(message(row, entry))
            except ValueError as error:
                self._retries.invalid(entry.observer, escape_untrusted(str(error), 200))
        return Page(found, upto, len(entries) - len(found))

    # Sending.

    async def _deliver(self, batch: Sequence[Message]) -> None:
        """See to it that these are confirmed, or are dead letters."""
        tries = 0
        while True:
            try:
                await self._transport.send(batch)
            except TryLater as error:
                tries += 1
                reason, after_s = str(error), error.after_s
            except Refused as error:
                if error.piecewise and len(batch) > 1:
                    for one in batch:
                        await self._deliver((one,))
                    return
                await self._bury(batch, str(error), tries + 1)
                return
            except Exception as error:  # a bug of ours costs tries, not the records, nor the sink
                tries += 1
                reason, after_s = f"a bug in wasmhost: {escape_untrusted(repr(error), 200)}", 0.0
                tell("error", "sink failed by a bug", sink=self._sink.name, exc_info=error)
            else:
                self._succeeded()
                self._settle(batch, Progress(sent=len(batch), error=""))
                return
            if self._outage is None:
                self._outage = Outage.now()
            given_up = self._given_up(batch, tries, self._outage)
            if given_up:
                await self._bury(given_up, reason, tries)
                batch = batch[len(given_up) :]
                if not batch:
                    return
                tries = 0
                continue
            await self._failed(reason, after_s)

    def _given_up(self, batch: Sequence[Message], tries: int, outage: Outage) -> Sequence[Message]:
        """Return those, from the first, that were tried often enough, or are too old by now."""
        if self._sink.attempts is not None and tries >= self._sink.attempts:
            return batch
        most = int(self._sink.max_age_s * _NS)
        young = (place for place, one in enumerate(batch) if outage.age_ns(one.queued_at) <= most)
        return batch[: next(young, len(batch))]

    async def _bury(self, batch: Sequence[Message], reason: str, tries: int) -> None:
        """Write dead letters, for as long as it takes until there is room for them."""
        failure = dead_letters.Failure(self._sink.name, reason, time.time_ns(), tries)
        while True:
            try:
                await anyio.to_thread.run_sync(dead_letters.append, self._dead_letter, batch, failure)
            except OSError as error:
                why = (
                    f"cannot write dead letters to {self._dead_letter}: {(error.strerror or 'error').lower()}"
                )
                await self._failed(escape_untrusted(why, 600), 0.0)
            else:
                break
        self._retries.buried(len(batch), reason)
        self._settle(batch, Progress(dead=len(batch), error=reason))

    def _settle(self, batch: Sequence[Message], progress: Progress) -> None:
        self._done = progress.done = batch[-1].row
        self._outbox.note(self._number, progress)

    # Waiting for better times.

    async def _failed(self, reason: str, after_s: float) -> None:
        """Tell of a try that failed, and wait before the next."""
        wait_s = max(self._backoff.failed(), after_s)
        self._retries.failed(reason, wait_s)
        self._outbox.note(self._number, Progress(tries_failed=1, error=reason))
        await asyncio.sleep(wait_s)

    def _succeeded(self) -> None:
        self._outage = None
        self._backoff.succeeded()
        self._retries.succeeded()


def pieces(found: Sequence[Message], most: int) -> Iterator[Sequence[Message]]:
    """Cut messages into batches of at most so many, and of at most 512 KiB where one alone is not more."""
    start = size = 0
    for place, one in enumerate(found):
        if place > start and (place - start >= most or size + len(one.data) > _BODY_BYTES):
            yield found[start:place]
            start, size = place, 0
        size += len(one.data)
    if start < len(found):
        yield found[start:]
