"""The way of a report from a worker's thread to the sink on the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

import structlog

from wasmhost.host.wake import call_on_loop

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from wasmhost.sinks import ReportRecord, Sink

CAPACITY: Final = 10_000
SHARE: Final = 2_000
"""So many every observer may have waiting, however much the others send: a host that is held up for seconds,
on a machine that has no time for it, is to lose no report of those who send few."""
_BATCH: Final = 256

_log: Final = structlog.stdlib.get_logger("wasmhost.host")


class ReportQueue:
    """A bounded queue, filled from any thread, that a task of its own empties into the sink.

    One observer that fills it takes no place from another: each has a share of its own beyond that.

    Make it on the event loop, run `pump` there; `close` and `pump` returns when all is written.

    ``lossless``: nothing is dropped. Runners look at `full` before each delivery then, so the queue
    holds at most what the deliveries under way can add to it: an outbox each.
    """

    def __init__(self, sink: Sink, *, lossless: bool = False) -> None:
        self._sink = sink
        self._lossless = lossless
        self._records: deque[ReportRecord] = deque()
        # By observer, ever more. Two numbers, because each is written by one thread at a time: by the one
        # that serves the observer, and by the loop's.
        self._put: dict[str, int] = {}
        self._taken: dict[str, int] = {}
        self._loop: AbstractEventLoop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._called = False
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether a lossless run has to wait, and in another the next report is dropped."""
        return len(self._records) >= CAPACITY

    @property
    def waiting(self) -> int:
        """How many reports wait to be written."""
        return len(self._records)

    def put(self, record: ReportRecord) -> bool:
        """Take one report, from any thread; False where it had to be dropped."""
        name = record.observer
        if self.full and not self._lossless and self._has_its_share(name):
            return False
        self._put[name] = self._put.get(name, 0) + 1
        self._records.append(record)
        # Looked at after appending, as the pump resets it before emptying: so none is forgotten.
        if not self._called:
            self._called = True
            call_on_loop(self._loop, self._ready.set)
        return True

    def _has_its_share(self, observer: str) -> bool:
        return self._put.get(observer, 0) - self._taken.get(observer, 0) >= SHARE

    async def pump(self) -> None:
        """Write what comes, until `close`."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            self._called = False
            while self._records:
                batch = [self._records.popleft() for _ in range(min(_BATCH, len(self._records)))]
                for record in batch:
                    self._taken[record.observer] = self._taken.get(record.observer, 0) + 1
                await self._write(batch)
                await asyncio.sleep(0)  # a sink that need not wait must not hold the loop
            if self._closed:
                return

    async def _write(self, batch: list[ReportRecord]) -> None:
        try:
            await self._sink.write(batch)
        except Exception:  # a sink must not raise; one that does costs its reports, not the host
            _log.exception("the sink failed to write reports", reports=len(batch))

    def close(self) -> None:
        """Say that nothing more comes; from the loop's thread."""
        self._closed = True
        self._ready.set()
