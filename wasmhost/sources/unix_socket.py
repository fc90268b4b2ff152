"""The socket file of a listener: made for its owner only, never taken from a live process."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import stat
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from wasmhost.errors import SourceError
from wasmhost.sources.entrance import BACKLOG
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_LOCK_TIMEOUT_S = 2.0


class SocketFile:
    """A listening socket and its file, which is removed by :meth:`close` if it still is ours.

    The file can be connected to by whom its ``mode`` lets, 0600 being its owner only. What a dead process
    left behind is replaced. Raises SourceError for a path that is something else, or that a live process
    listens on.
    """

    def __init__(self, path: Path, mode: int = 0o600) -> None:
        self._path = path
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.setblocking(False)
        try:
            # Two hosts started together must not each take the other's new file for a dead one's.
            with _alone_in(path.absolute().parent):
                _remove_dead(path)
                self.listener.bind(str(path))
                # Before listen: until then nobody can connect, so the file never is open to others.
                path.chmod(mode)
                self.listener.listen(BACKLOG)
                self._identity = _identity(path)
        except (OSError, ValueError) as error:
            self.listener.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise _refusal(path, reason[:1].lower() + reason[1:]) from error
        except SourceError:
            self.listener.close()
            raise

    def close(self) -> None:
        """Stop listening and remove the file, unless somebody put another in its place."""
        self.listener.close()
        try:
            if _identity(self._path) == self._identity:
                self._path.unlink()
        except FileNotFoundError:
            return  # somebody removed it: what we wanted


def _remove_dead(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise _refusal(path, "there is another kind of file; name a path that is free")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:
            pass  # somebody listens, and is too busy to take us
    raise _refusal(path, "another process is listening on it")


def _identity(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; the file system forgets it with the process, so no lock file is left."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        give_up_at = time.monotonic() + _LOCK_TIMEOUT_S
        while not _locked(descriptor):
            if time.monotonic() > give_up_at:
                raise TimeoutError(errno.ETIMEDOUT, f"another process holds a lock on {folder}")
            time.sleep(0.01)
        yield
    finally:
        os.close(descriptor)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refusal(path: Path, reason: str) -> SourceError:
    return SourceError(
        f"cannot listen on unix:{escape_untrusted(str(path), 400)}: {escape_untrusted(reason, 200)}"
    )
