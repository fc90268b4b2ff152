"""The way out to a file or to standard output: a record is a line of NDJSON."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final

import anyio.to_thread

from wasmhost.errors import InternalError, SinkError
from wasmhost.sinks.descriptors import (
    LineWriter,
    ends_within_a_line,
    open_to_append,
    standard_output,
    words,
)
from wasmhost.sinks.transport import TryLater
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from wasmhost.config.sink import NdjsonSinkConfig
    from wasmhost.sinks.entry import Message


_KEEPS_NOTHING: Final = frozenset({errno.EINVAL, errno.EROFS, errno.ENOTSUP})


class FileTransport:
    """Appends to a file, and is done once the disk has it; see :class:`Transport`.

    The file is looked for by its name before each batch: one that was moved away, as logs are, is made anew.
    """

    def __init__(self, config: NdjsonSinkConfig) -> None:
        self._path = config.path
        self._name = "standard output" if config.path is None else escape_untrusted(str(config.path), 400)
        self._descriptor: int | None = None
        self._writer: LineWriter | None = None

    async def __aenter__(self) -> Self:
        """Open the file; raises SinkError where that cannot be done."""
        try:
            self._open()
        except OSError as error:
            raise SinkError(f"cannot write to {self._name}: {words(error)}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    async def send(self, batch: Sequence[Message]) -> None:
        """Write a line for each; see :class:`Transport`."""
        try:
            if self._writer is None or self._was_moved():
                self._close()
                self._open()
            if self._writer is None:
                raise InternalError(f"{self._name} is not open")
            await self._writer.write(b"".join(one.data + b"\n" for one in batch))
            if self._descriptor is not None:
                await anyio.to_thread.run_sync(_sync, self._descriptor)
        except OSError as error:
            raise TryLater(f"cannot write to {self._name}: {words(error)}") from error

    def _open(self) -> None:
        if self._path is None:
            self._writer = LineWriter(standard_output(), ours=False)
        else:
            self._descriptor = open_to_append(self._path)
            self._writer = LineWriter(self._descriptor, ours=True, torn=ends_within_a_line(self._path))

    def _was_moved(self) -> bool:
        if self._path is None or self._descriptor is None:
            return False
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return True
        ours = os.fstat(self._descriptor)
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)

    def _close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = self._writer = None


def _sync(descriptor: int) -> None:
    try:
        os.fsync(descriptor)
    except OSError as error:
        # EINVAL, EROFS: a device or a pipe, which keeps nothing.
        if error.errno not in _KEEPS_NOTHING:
            raise
