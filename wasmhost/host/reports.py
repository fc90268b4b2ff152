"""The way of a report from a worker's thread to the sink on the event loop."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from wasmhost.sinks import ReportRecord, Sink

CAPACITY: Final = 10_000
_BATCH: Final = 256


class ReportQueue:
    """A bounded queue, filled from any thread, that a task of its own empties into the sink.

    Make it on the event loop, run `pump` there; `close` and `pump` returns when all is written.
    """

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._records: deque[ReportRecord] = deque()
        self._loop: AbstractEventLoop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether the next report would be dropped: a lossless run waits then."""
        return len(self._records) >= CAPACITY

    def put(self, record: ReportRecord) -> bool:
        """Take one report, from any thread; False where it had to be dropped."""
        if self.full:
            return False
        first = not self._records
        self._records.append(record)
        if first:  # otherwise the pump is at it, or has been called
            self._loop.call_soon_threadsafe(self._ready.set)
        return True

    async def pump(self) -> None:
        """Write what comes, until `close`."""
        while True:
            await self._ready.wait()
            self._ready.clear()
            while self._records:
                batch = [self._records.popleft() for _ in range(min(_BATCH, len(self._records)))]
                await self._sink.write(batch)
            if self._closed:
                return

    def close(self) -> None:
        """Nothing more comes; from the loop's thread."""
        self._closed = True
        self._ready.set()
