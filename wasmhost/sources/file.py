"""A recorded stream of events: a file, or whatever stands on standard input."""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING

from wasmhost.errors import InternalError, SourceError
from wasmhost.sources.descriptors import DescriptorReader
from wasmhost.sources.frames import FrameReader
from wasmhost.sources.reason import reason
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from wasmhost.sources.base import SourceItem

_STDIN = 0


class FileSource:
    """The events of a file, or of standard input where ``path`` is None. See :class:`Source`.

    Events without ``src`` get the file's base name, or "-".
    """

    lossless = True

    def __init__(self, path: Path | None) -> None:
        self.name = "-" if path is None else escape_untrusted(str(path), 400)
        self._path = path
        self._descriptor: int | None = None
        self._reader: DescriptorReader | None = None

    async def __aenter__(self) -> Self:
        try:
            self._descriptor = _stdin() if self._path is None else _open(self._path)
            self._reader = DescriptorReader(self._descriptor)
        except OSError as error:
            self._close()
            raise SourceError(f"cannot read events from {self.name}: {reason(error)}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def stop(self) -> None:
        """End the iteration after the chunk that is being read."""
        if self._reader is not None:
            self._reader.stop()

    async def __aiter__(self) -> AsyncIterator[SourceItem]:
        frames = FrameReader("-" if self._path is None else escape_untrusted(self._path.name, 255))
        while frames.ended is None:
            for item in await self._next(frames):
                yield item

    async def _next(self, frames: FrameReader) -> list[SourceItem]:
        if self._reader is None:
            raise InternalError(f"{self.name} is read from without being open")
        try:
            chunk = await self._reader.read()
        except OSError as error:
            return frames.finish(failure=reason(error))
        if chunk is None:
            return frames.cut()
        return frames.push(chunk) if chunk else frames.finish()

    def _close(self) -> None:
        if self._path is not None and self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = self._reader = None


def _stdin() -> int:
    # Closed by whoever started us, its number may by now be that of another file of ours.
    if sys.__stdin__ is None:
        raise OSError(errno.EBADF, "standard input is closed")
    return _STDIN


def _open(path: Path) -> int:
    if path.is_socket():
        raise OSError(errno.ENXIO, "it is a socket; to listen on it write unix:PATH")
    # Without waiting: a named pipe may have no writer yet, and we wait for one where we can give up.
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
