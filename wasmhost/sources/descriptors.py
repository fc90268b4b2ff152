"""Reading from a file descriptor of any kind without holding the event loop, and giving up at once."""

from __future__ import annotations

import errno
import os
import stat

import anyio
import anyio.to_thread

from wasmhost.sources.base import CHUNK


class DescriptorReader:
    """Reads chunks from an open file, pipe or terminal until it ends or :meth:`stop` is called.

    A regular file never makes its reader wait long, so a thread reads it. A pipe or a terminal may
    stay silent for ever, and a thread blocked in ``read`` could not be called back: those are read
    when the event loop says that there is something. Raises OSError for a directory.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        self._can_wait = not stat.S_ISREG(mode)
        self._stopped = False
        self._waiting: anyio.CancelScope | None = None

    async def read(self) -> bytes | None:
        """Return the next bytes, b"" at the end of the input, None once stopped. Raises OSError."""
        while not self._stopped:
            if not self._can_wait:
                return await anyio.to_thread.run_sync(os.read, self._descriptor, CHUNK)
            if await self._readable():
                try:
                    return os.read(self._descriptor, CHUNK)
                except BlockingIOError:
                    continue  # another process that shares the pipe was faster
        return None

    def stop(self) -> None:
        """Make the read under way, and every later one, return None."""
        self._stopped = True
        if self._waiting is not None:
            self._waiting.cancel()

    async def _readable(self) -> bool:
        try:
            with anyio.CancelScope() as self._waiting:
                await anyio.wait_readable(self._descriptor)
                return True
        except PermissionError:
            # Devices such as /dev/null can't be waited for, because they never keep one waiting.
            self._can_wait = False
        finally:
            self._waiting = None
        return False
