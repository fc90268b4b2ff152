"""What a build has under way, so that stopping it leaves nothing behind: compilers, and unfinished files.

A compiler runs in a process group of its own, with all that it starts; `stop_all` ends them. Builds run
on any thread, and `stop_all` is called from another: the one that hears of Ctrl-C.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_GRACE_S: Final = 1.0


class Stopped(UserError):
    """A build was stopped from outside."""

    def __init__(self) -> None:
        super().__init__("stopped")


class _UnderWay:
    """The processes and folders of all builds of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._processes: set[subprocess.Popen[str]] = set()
        self._folders: set[Path] = set()
        self._stopped = False

    def start(self, words: Sequence[str], cwd: Path, environment: Mapping[str, str]) -> subprocess.Popen[str]:
        with self._lock:  # so that none starts behind the back of stop_all
            if self._stopped:
                raise Stopped
            process = subprocess.Popen(  # noqa: S603 - a compiler we found, arguments we made
                list(words),
                cwd=cwd,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                process_group=0,
            )
            self._processes.add(process)
        return process

    def ended(self, process: subprocess.Popen[str]) -> None:
        with self._lock:
            self._processes.discard(process)

    def add_folder(self, folder: Path) -> None:
        with self._lock:
            self._folders.add(folder)

    def remove_folder(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        with self._lock:
            self._folders.discard(folder)

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
            processes, folders = list(self._processes), list(self._folders)
        for process in processes:
            _signal(process, signal.SIGTERM)
        for process in processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_S)
            _signal(process, signal.SIGKILL)  # what the group's first process left behind, too
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


_UNDER_WAY: Final = _UnderWay()


def run_in_group(
    words: Sequence[str], *, cwd: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end, in a process group of its own.

    :raises OSError: it cannot be started.
    :raises Stopped: by `stop_all`.
    """
    process = _UNDER_WAY.start(words, cwd, environment)
    try:
        out, err = process.communicate()
    except BaseException:
        _signal(process, signal.SIGKILL)
        process.wait()
        raise
    finally:
        _UNDER_WAY.ended(process)
    return subprocess.CompletedProcess(list(words), process.returncode, out, err)


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """A folder for what is not finished, beside where it is to be in the end; gone afterwards.

    :raises OSError: it cannot be made.
    """
    folder = Path(tempfile.mkdtemp(prefix=".wasmhost-", dir=beside))
    _UNDER_WAY.add_folder(folder)
    try:
        yield folder
    finally:
        _UNDER_WAY.remove_folder(folder)


def stop_all() -> None:
    """End every compiler, remove what is unfinished, and let nothing begin: before the process ends."""
    _UNDER_WAY.stop()


def _signal(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
