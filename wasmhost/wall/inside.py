"""Inside the zygote: one thread, no engine, everything imported; it forks a child for each request.

A process that is forked from here has Python and all modules at hand without loading anything, which takes
some milliseconds and no right to open a file. Nothing here makes an engine: a fork after that hangs in the
engine's threads, which are not there any more.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn, cast

from wasmhost.wall.confine import confine, prctl
from wasmhost.wall.control import Request, answer, receive, send
from wasmhost.wall.limits import ChildLimits
from wasmhost.wall.ready import make_ready

if TYPE_CHECKING:
    from collections.abc import Callable

    Main = Callable[[socket.socket, list[int]], None]

JOBS: Final = {
    "compile": "wasmhost.wall.compile_job",
    "shard": "wasmhost.shards.process",
    "probe": "wasmhost.wall.probe",
}
"""What a child may be told to do: a module, whose ``main`` is given its socket and further descriptors."""

_PR_SET_PDEATHSIG: Final = 1
_FAILED: Final = 70  # the exit code of a job that raised


class _Forked(NamedTuple):
    number: int
    pid: int


def main(control: socket.socket, parent: int) -> None:
    """Serve requests until the supervisor is gone, and take all children along then."""
    _die_with(parent)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A service manager sends these to every process of a service. The supervisor is to end in order,
        # and its children are needed for that; they go when it goes.
        signal.signal(number, signal.SIG_IGN)
    os.environ.clear()
    make_ready()
    with control:
        _Zygote(control).serve()


def _die_with(parent: int) -> None:
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # gone before that was set
        os._exit(0)


class _Zygote:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._jobs: dict[str, Main] = {}
        self._forked: dict[int, _Forked] = {}  # by pidfd

    def serve(self) -> None:
        while True:
            poll = select.poll()
            for fd in (self._control.fileno(), *self._forked):
                poll.register(fd, select.POLLIN)
            ready = {fd for fd, _ in poll.poll()}
            try:
                for pidfd in ready & self._forked.keys():
                    self._reap(pidfd)
                if self._control.fileno() in ready and not self._answer():
                    break
            except OSError:  # the supervisor is gone
                break
        self._end_all()

    def _answer(self) -> bool:
        """Do what the supervisor asks for; False: it asks for nothing any more."""
        received = receive(self._control)
        if received is None:
            return False
        request, fds = cast("Request", received[0]), received[1]
        number = request["number"]
        try:
            job = self._job(request["job"])
            pid, pidfd = self._fork(job, request, fds)
        except Exception as error:  # whatever a module's import may raise
            send(self._control, answer(number, error=f"{type(error).__name__}: {error}"))
        else:
            self._forked[pidfd] = _Forked(number, pid)
            send(self._control, answer(number, pid=pid), [pidfd])
        finally:
            for fd in fds:
                os.close(fd)
        return True

    def _job(self, name: str) -> Main:
        """What a job's module has to offer, imported here and once, so that no child has to."""
        if name not in self._jobs:
            self._jobs[name] = import_module(JOBS[name]).main
            gc.collect()
            gc.freeze()  # collections in children leave these pages shared
        return self._jobs[name]

    def _fork(self, job: Main, request: Request, fds: list[int]) -> tuple[int, int]:
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            _child(job, request, fds, zygote)
        try:
            return pid, os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)  # not reaped yet, so it is this one
            os.waitpid(pid, 0)
            raise

    def _reap(self, pidfd: int) -> None:
        number, pid = self._forked.pop(pidfd)
        os.close(pidfd)
        _, status = os.waitpid(pid, 0)
        send(self._control, answer(number, status=os.waitstatus_to_exitcode(status)))

    def _end_all(self) -> None:
        for pidfd in self._forked:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        with contextlib.suppress(OSError):  # nobody may be there to be told
            for pidfd in tuple(self._forked):
                self._reap(pidfd)


def _child(job: Main, request: Request, fds: list[int], zygote: int) -> NoReturn:
    """Keep nothing but the descriptors it was given, be confined, and do the job; never come back."""
    code = _FAILED
    try:
        _die_with(zygote)
        _close_all_but(fds)
        confine(ChildLimits(request["cpu_s"], request["address_mib"], request["data_mib"], request["files"]))
        job(socket.socket(fileno=fds[0]), fds[1:])
        code = 0
    except BaseException:
        traceback.print_exc()  # shown where WASMHOST_DEBUG kept standard error
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.flush()
        os._exit(code)


def _close_all_but(fds: list[int]) -> None:
    begin = 3
    for fd in sorted(fds):
        os.closerange(begin, fd)
        begin = fd + 1
    os.closerange(begin, os.sysconf("SC_OPEN_MAX"))
