"""The supervisor's side of the zygote: processes that take milliseconds to make, and own nothing.

The zygote is one helper process (`inside.py`), started before the first child is asked for. It has its own
session, no environment and no descriptor but its socket; it and its children end with this process, however
that ends.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final, cast

from wasmhost.errors import InternalError, WallError
from wasmhost.wall.control import MAX_FDS, receive, send
from wasmhost.wall.limits import ChildLimits, death_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from wasmhost.wall.control import Answer, Request

__all__ = ["Child", "ChildLimits", "Zygote", "death_words"]

_BOOT: Final = (
    "import json, socket, sys\n"
    "control = socket.socket(fileno=int(sys.argv[1]))\n"
    "parent, sys.path[:] = json.loads(control.recv(1 << 20))\n"
    "from wasmhost.wall.inside import main\n"
    "main(control, parent)\n"
)
_PATIENCE_S: Final = 60.0  # to start and import all: 0.4 s, more on a machine that is busy
_END_S: Final = 5.0
_DEBUG: Final = "WASMHOST_DEBUG"


class Child:
    """A process that the zygote forked. Safe from any thread."""

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self._pidfd: int | None = pidfd
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._code = 0

    def kill(self) -> None:
        """End it at once. Harmless when it has ended: it never hits a process that has its number now."""
        with self._lock, contextlib.suppress(ProcessLookupError):
            if self._pidfd is not None:
                signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def wait(self, timeout_s: float | None) -> int | None:
        """Wait for its end: its exit code, negative for a signal; None when the time is over."""
        return self._code if self._ended.wait(timeout_s) else None

    def ended(self, code: int) -> None:
        """Note its end; for the `Zygote`."""
        with self._lock:
            if self._pidfd is None:
                return
            os.close(self._pidfd)
            self._pidfd = None
            self._code = code
        self._ended.set()

    def lost(self) -> None:
        """Note that nobody will tell of its end: its zygote is dead, and so must it be."""
        self.kill()
        with self._lock:
            if self._pidfd is not None:
                poll = select.poll()
                poll.register(self._pidfd, select.POLLIN)
                poll.poll(_END_S * 1000)
        self.ended(-signal.SIGKILL)


class Zygote:
    """Makes children. Safe from any thread; a helper that died is replaced at the next fork."""

    def __init__(self) -> None:
        """Nothing is started before the first fork."""
        self._lock = threading.Lock()
        self._life: _Life | None = None
        self._closed = False

    def fork(
        self, job: str, end: socket.socket, *, extra_fds: Sequence[int] = (), limits: ChildLimits
    ) -> Child:
        """Make a child that does a job (one of `inside.JOBS`), confined, with ``end`` to talk over.

        It has its own copies of ``end`` and ``extra_fds``; the caller closes its own.

        :raises WallError: the system refuses a process, or has not what this needs.
        """
        if len(extra_fds) >= MAX_FDS:
            raise InternalError(f"a child can be given {MAX_FDS - 1} further descriptors at most")
        request: Request = {
            "number": 0,
            "job": job,
            "cpu_s": limits.cpu_s,
            "address_mib": limits.address_mib,
            "data_mib": limits.data_mib,
            "files": limits.files,
        }
        fds = [end.fileno(), *extra_fds]
        try:
            return self._alive().fork(request, fds)
        except _Gone:  # it died meanwhile; one more only, as a second death has a reason
            pass
        try:
            return self._alive().fork(request, fds)
        except _Gone as gone:
            raise WallError(f"no process can be made: {gone}") from None

    def _alive(self) -> _Life:
        with self._lock:
            if self._closed:
                raise InternalError("the zygote is closed")
            if self._life is None or self._life.over:
                self._life = _Life()
            return self._life

    def close(self) -> None:
        """Kill the children and end the helper. Safe to call again."""
        with self._lock:
            self._closed = True
            life, self._life = self._life, None
        if life is not None:
            life.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Gone(Exception):
    """The helper died before it answered."""


class _Life:
    """One helper process, from start to end, and the thread that listens to it."""

    def __init__(self) -> None:
        """:raises WallError: it cannot be started."""
        self.over = False
        self._lock = threading.Lock()
        self._sending = threading.Lock()  # a lock of its own: the listener must be able to listen meanwhile
        self._asked: dict[int, Future[Child]] = {}
        self._children: dict[int, Child] = {}
        self._numbers = 0
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(_PATIENCE_S)  # to send; the listener only receives when there is something
        started: Future[subprocess.Popen[bytes]] = Future()
        # The kernel ends the helper together with the *thread* that started it, so that is one which lives
        # as long as the helper does.
        self._listener = threading.Thread(
            target=self._run, args=(theirs, started), name="zygote-listener", daemon=True
        )
        try:
            self._listener.start()
            self._process = started.result()
        except (OSError, RuntimeError, ValueError) as error:
            self._control.close()
            raise WallError(f"no helper process can be started: {error}") from None

    def fork(self, request: Request, fds: Sequence[int]) -> Child:
        """:raises _Gone: the helper died."""
        answer: Future[Child] = Future()
        with self._lock:
            if self.over:
                raise _Gone("the helper process died")
            self._numbers += 1
            number = self._numbers
            self._asked[number] = answer
        try:
            with self._sending:
                send(self._control, {**request, "number": number}, fds)
            return answer.result(_PATIENCE_S)
        except OSError as error:  # a timeout is one, too
            self._abandon(number)
            self._process.kill()
            raise _Gone(f"the helper process does not answer ({error})") from None
        except BaseException:
            self._abandon(number)
            raise

    def _abandon(self, number: int) -> None:
        """Nobody waits for this child any more: whether it is there already, or still to come."""
        with self._lock:
            self._asked.pop(number, None)
            child = self._children.get(number)
        if child is not None:
            child.kill()

    def close(self) -> None:
        """Have it end its children and itself, and see that it does."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_WR)
        self._listener.join(_END_S)
        if self._listener.is_alive():
            self._process.kill()
            self._listener.join()

    def _run(self, theirs: socket.socket, started: Future[subprocess.Popen[bytes]]) -> None:
        try:
            with theirs:
                process = _start(self._control, theirs)
        except BaseException as error:
            started.set_exception(error)
            return
        started.set_result(process)
        try:
            self._listen()
        finally:
            self._end(process)

    def _listen(self) -> None:
        readable = select.poll()
        readable.register(self._control, select.POLLIN)
        while True:
            readable.poll()
            try:
                received = receive(self._control)
            except OSError:
                return
            if received is None:
                return
            self._hear(cast("Answer", received[0]), received[1])

    def _hear(self, message: Answer, fds: list[int]) -> None:
        number = message["number"]
        with self._lock:
            if message["status"] is not None:
                child = self._children.pop(number)
                child.ended(message["status"])
                return
            answer = self._asked.pop(number, None)
            if message["pid"] is None:
                if answer is not None:
                    answer.set_exception(WallError(f"no process can be made: {message['error']}"))
                return
            child = self._children[number] = Child(message["pid"], fds[0])
            if answer is None:
                child.kill()
            else:
                answer.set_result(child)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        with self._lock:
            self.over = True
            self._control.close()
            asked, children = list(self._asked.values()), list(self._children.values())
            self._asked.clear()
            self._children.clear()
        process.kill()  # where it still lives, it is of no use
        code = process.wait()
        for child in children:
            child.lost()
        for answer in asked:
            answer.set_exception(_Gone(f"the helper process was {death_words(code)}"))


def _start(control: socket.socket, theirs: socket.socket) -> subprocess.Popen[bytes]:
    """Start the helper by the interpreter that runs this.

    :raises OSError: it cannot be.
    """
    if not sys.platform.startswith("linux"):
        raise OSError("processes of this kind need Linux")
    if not sys.executable:
        raise OSError("it is not known which Python runs this (sys.executable is empty)")
    process = subprocess.Popen(  # noqa: S603 - the arguments are ours
        [sys.executable, "-I", "-c", _BOOT, str(theirs.fileno()), "wasmhost-zygote"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=None if os.environ.get(_DEBUG) else subprocess.DEVNULL,
        cwd="/",
        env={},
        pass_fds=[theirs.fileno()],
        start_new_session=True,
    )
    # Handed over as it is here: an editable install or a path that was added is found there, too.
    path = [os.path.abspath(entry) for entry in sys.path]  # noqa: PTH100 - a string, and nothing is looked up
    try:
        control.send(json.dumps([os.getpid(), path]).encode())
    except OSError:
        process.kill()
        process.wait()
        raise
    return process
