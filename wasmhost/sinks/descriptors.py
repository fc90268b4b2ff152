"""Opening what lines are written to, and writing them without holding the event loop."""

from __future__ import annotations

import os
import select
import stat
import sys
from typing import TYPE_CHECKING, Final

import anyio
import anyio.to_thread

if TYPE_CHECKING:
    from pathlib import Path

_STDOUT: Final = 1


class LineWriter:
    """Writes whole lines to an open file, pipe or terminal. For one task at a time.

    A thread writes to a regular file. A pipe or a terminal may be full for as long as its reader
    likes, and a thread blocked in ``write`` could not be called back: those are written piece by
    piece, as the event loop says that there is room.

    Where an error or a cancellation leaves half a line behind, a file that only we append to
    (``ours``) is cut back to its last whole line; elsewhere the next write begins on a new line.
    ``torn`` says that it has to, from the start if the file ends so. ``lines`` counts whole lines.
    """

    def __init__(self, descriptor: int, *, ours: bool, torn: bool = False) -> None:
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self.lines = 0
        self._descriptor = descriptor
        self._can_wait = not regular
        self._can_cut = regular and ours
        self._torn = torn

    async def write(self, data: bytes) -> None:
        """Write ``data``, whole lines. Raises OSError; ``lines`` then tells how many were written."""
        pending = _Pending(b"\n" + data if self._torn else data)
        before = self.lines - self._torn
        try:
            while pending.left and self._can_wait:
                await self._write_some(pending)
            if pending.left:
                await anyio.to_thread.run_sync(_write_all, self._descriptor, pending)
        finally:
            if pending.done:
                self.lines = before + pending.data.count(b"\n", 0, pending.done)
                self._torn = not self._tidy(pending)

    async def _write_some(self, pending: _Pending) -> None:
        try:
            await anyio.wait_writable(self._descriptor)
        except PermissionError:
            # Devices such as /dev/null can't be waited for, because they never keep one waiting.
            self._can_wait = False
            return
        try:
            # What is writable takes this much at once: the write does not block.
            pending.done += os.write(self._descriptor, pending.left[: select.PIPE_BUF])
        except BlockingIOError:
            return  # another process that shares the pipe was faster

    def _tidy(self, pending: _Pending) -> bool:
        """See to what a broken-off write left behind; tell whether it now ends with a line's end."""
        half_line = pending.done - (pending.data.rfind(b"\n", 0, pending.done) + 1)
        if half_line and self._can_cut:
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - half_line)
            return True
        return not half_line


class _Pending:
    """Bytes on their way, and how many of them are ``done``."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.done = 0

    @property
    def left(self) -> memoryview:
        return memoryview(self.data)[self.done :]


def _write_all(descriptor: int, pending: _Pending) -> None:
    while pending.left:
        pending.done += os.write(descriptor, pending.left)


def open_to_append(path: Path) -> int:
    """Open a file, made if missing, and return its descriptor; raises OSError."""
    # Appending: what an earlier run found is not ours to delete. Without waiting: a named pipe may
    # have no reader.
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC
    return os.open(path, flags, 0o644)


def standard_output() -> int:
    """Return the descriptor of standard output; raises OSError where it is closed."""
    # Closed by whoever started us, its number may by now be that of another file of ours.
    if sys.__stdout__ is None:
        raise OSError("it is closed")
    return _STDOUT


def ends_within_a_line(path: Path) -> bool:
    """Tell whether an earlier run was killed in the middle of a line."""
    if not path.is_file() or not os.access(path, os.R_OK):
        return False
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        if size == 0:
            return False
        file.seek(size - 1)
        return file.read(1) != b"\n"


def words(error: OSError) -> str:
    """Return what an error says, as the end of a line of ours."""
    said = error.strerror or str(error)
    return said[:1].lower() + said[1:]
