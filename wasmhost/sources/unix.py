"""Live nodes: a socket on which any number of them connect and write CBOR sequences."""

from __future__ import annotations

import errno
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel
import anyio.to_thread
import structlog

from wasmhost.errors import InternalError
from wasmhost.sources.base import CHUNK, SourceEnded, SourceItem
from wasmhost.sources.frames import FrameReader
from wasmhost.sources.unix_socket import BACKLOG, SocketFile
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

MAX_CONNECTIONS = 256
"""Connections read at once; more wait to be accepted. Well under the usual limit of 1,024 descriptors."""
LAST_BYTES = 1024 * 1024
"""About how much more is read of one connection after stop(): a node that never pauses can't hold us."""
_ACCEPT_RETRY_S = 0.1
_OUT_OF_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


class UnixSource:
    """The events of all nodes that connect to the socket at ``path``. See :class:`Source`.

    Events without ``src`` get that of their connection's hello, or "unix-1", "unix-2"… in the order
    of connecting. A malformed item ends its connection only. Each connection holds at most a chunk
    and an item, and is read on only when the host has taken what it sent before.
    """

    lossless = False

    def __init__(self, path: Path) -> None:
        self.name = f"unix:{escape_untrusted(str(path), 400)}"
        self._path = path
        self._stopped = False
        self._waiting: set[anyio.CancelScope] = set()
        self._slots = anyio.Semaphore(MAX_CONNECTIONS)
        self._open = AsyncExitStack()
        self._batches: MemoryObjectReceiveStream[list[SourceItem]] | None = None

    async def __aenter__(self) -> Self:
        # In a thread: it may wait for another host that is starting.
        file = await anyio.to_thread.run_sync(SocketFile, self._path)
        self._open.callback(file.close)
        send, self._batches = anyio.create_memory_object_stream[list[SourceItem]](0)
        self._open.callback(self._batches.close)
        tasks = await self._open.enter_async_context(anyio.create_task_group())
        tasks.start_soon(self._serve, file.listener, send)
        self._open.callback(tasks.cancel_scope.cancel)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Not told of an error in the block: the task group would wrap it into a group.
        await self._open.aclose()

    def stop(self) -> None:
        """Take what nodes have sent until now, then end the iteration."""
        self._stopped = True
        for scope in tuple(self._waiting):
            scope.cancel()

    async def __aiter__(self) -> AsyncIterator[SourceItem]:
        if self._batches is None:
            raise InternalError(f"{self.name} is read from without being open")
        async for batch in self._batches:
            for item in batch:
                yield item

    async def _serve(self, listener: socket.socket, send: MemoryObjectSendStream[list[SourceItem]]) -> None:
        async with send, anyio.create_task_group() as connections:
            number = late = 0
            try:
                # After stop() only those that had connected before it: no more than the backlog holds.
                while late < BACKLOG and (connection := await self._accept(listener)) is not None:
                    number += 1
                    late += self._stopped
                    connections.start_soon(self._read, connection, f"unix-{number}", send)
            except OSError as error:
                await send.send([SourceEnded(self.name, 0, f"cannot accept any more: {_reason(error)}")])

    async def _accept(self, listener: socket.socket) -> socket.socket | None:
        """Return the next connection, once there is room for it, or None after stop()."""
        try:
            self._slots.acquire_nowait()
        except anyio.WouldBlock:
            if not await self._unless_stopped(self._slots.acquire):
                return None
        complained = False
        while True:
            try:
                connection, _ = listener.accept()
            except BlockingIOError:
                # Tried once more after stop(), which may come before the news of a connection.
                if self._stopped:
                    return None
                await self._unless_stopped(lambda: anyio.wait_readable(listener))
            except ConnectionAbortedError:
                continue  # gone before we took it
            except OSError as error:
                # The rest of the host has what we need to accept; it may give some back.
                if error.errno not in _OUT_OF_RESOURCES:
                    raise
                if not complained:
                    structlog.get_logger().warning(
                        "cannot accept yet", source=self.name, reason=_reason(error)
                    )
                complained = True
                if self._stopped:
                    return None
                await self._unless_stopped(lambda: anyio.sleep(_ACCEPT_RETRY_S))
            else:
                connection.setblocking(False)
                return connection

    async def _read(
        self, connection: socket.socket, source: str, send: MemoryObjectSendStream[list[SourceItem]]
    ) -> None:
        frames = FrameReader(source)
        late = 0
        try:
            with connection:
                while frames.ended is None:
                    batch = await self._next(connection, frames) if late < LAST_BYTES else frames.cut()
                    late += CHUNK if self._stopped else 0
                    # A chunk in the middle of an item completes nothing, but others have a turn.
                    await (send.send(batch) if batch else anyio.lowlevel.checkpoint())
        finally:
            self._slots.release()

    async def _next(self, connection: socket.socket, frames: FrameReader) -> list[SourceItem]:
        try:
            chunk = await self._receive(connection)
        except OSError as error:
            return frames.finish(failure=_reason(error))
        if chunk is None:
            return frames.cut()
        return frames.push(chunk) if chunk else frames.finish()

    async def _receive(self, connection: socket.socket) -> bytes | None:
        """Return the next bytes, b"" at the end of the connection, None if after stop() none are there."""
        while True:
            try:
                return connection.recv(CHUNK)
            except BlockingIOError:
                # Tried once more after stop(), which may come before the news of the last bytes.
                if self._stopped:
                    return None
                await self._unless_stopped(lambda: anyio.wait_readable(connection))

    async def _unless_stopped(self, wait: Callable[[], Awaitable[object]]) -> bool:
        """Wait, and tell whether that came to its end before stop() was called."""
        if self._stopped:
            return False
        with anyio.CancelScope() as scope:
            self._waiting.add(scope)
            try:
                await wait()
            finally:
                self._waiting.discard(scope)
        return not scope.cancelled_caught


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    return reason[:1].lower() + reason[1:]
