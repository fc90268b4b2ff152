"""Live nodes: any number of them connect and write CBOR sequences, and one loop reads them all in turn."""

from __future__ import annotations

import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import anyio.to_thread

from wasmhost.errors import InternalError
from wasmhost.sources.descriptor_limit import room_for
from wasmhost.sources.floor import Floor
from wasmhost.sources.hall import WireCounts
from wasmhost.sources.tokens import read_tokens

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from types import TracebackType
    from typing import Self

    from wasmhost.config.source import SourceConfig
    from wasmhost.sources.base import SourceItem
    from wasmhost.sources.doors import Door


class ListeningSource:
    """The events of all nodes that connect. See `Source`.

    A malformed item ends its connection only. Nothing is read of a connection before its turn, and
    nothing is kept of it but an item that is not complete: who sends faster than the host takes, waits in
    its own socket. So one client's flood, silence or nonsense is no other's business. ``counts`` has what
    happened so far.
    """

    lossless = False

    def __init__(
        self,
        name: str,
        settings: SourceConfig,
        open_door: Callable[[], Door],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.counts = WireCounts()
        self._settings = settings
        self._open_door = open_door
        self._clock = clock
        self._open = AsyncExitStack()
        self._floor: Floor | None = None

    async def __aenter__(self) -> Self:
        try:
            most = room_for(self._settings.connections, self._open)
            tokens = read_tokens(self._settings)
            # In a thread: it may wait for another host that is starting.
            door = await anyio.to_thread.run_sync(self._open_door)
            self._open.callback(door.close)
            self.name = door.name
            self._floor = Floor(door, self._settings, tokens, self.counts, most, self._clock)
            self._open.callback(self._floor.close)
        except BaseException:
            await self._open.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    def stop(self) -> None:
        """Take what nodes have sent until now, then end the iteration."""
        if self._floor is not None:
            self._floor.stop()

    async def __aiter__(self) -> AsyncIterator[SourceItem]:
        floor = self._floor
        if floor is None:
            raise InternalError(f"{self.name} is read from without being open")
        while (connection := await floor.next()) is not None:
            items = connection.read()
            for item in items:
                yield item
            floor.settle(connection, len(items))
        for ended in floor.failures:
            yield ended
