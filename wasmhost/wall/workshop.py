"""Compiling in a child of its own: bounded in time and memory, and with nothing to steal or to break.

The compiler is the first of ours that a stranger's bytes go through at length, and the largest.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Final

from wasmhost.errors import GuestRefused
from wasmhost.sandbox.artifacts import user_cache
from wasmhost.sandbox.compiling import reason_of
from wasmhost.sandbox.engine import SandboxEngine
from wasmhost.wall.compile_job import ANSWER, COMPILED, NO_MEMORY, REFUSED, REQUEST
from wasmhost.wall.zygote import ChildLimits, Zygote, death_words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from wasmhost.sandbox.compiling import Bounds, ModuleKind
    from wasmhost.wall.zygote import Child

_MIB: Final = 1024 * 1024
_LARGEST: Final = 16 * _MIB
_GROWTH: Final = 24  # times a module's size, on top of that: measured are 3 to 10
_REASON_BYTES: Final = 4096
_PATIENCE: Final = 3  # times its processor time, a child may take on a clock: the machine may be busy
_SPARE_S: Final = 10.0
_END_S: Final = 5.0
_ARTIFACT_MAGIC: Final = b"\x7fELF"
_OUT_OF_MEMORY: Final = b"memory allocation of "  # what Rust says before it gives up


def child_workshop(zygote: Zygote | None = None) -> ChildWorkshop | None:
    """Where to compile on this system; None where there are no such children, and all is done here."""
    return ChildWorkshop(zygote) if sys.platform.startswith("linux") else None


@contextmanager
def sandbox_engine(stack_kib: int) -> Iterator[SandboxEngine]:
    """An engine as a host's: with the user's cache, and all compiling done by children."""
    with ExitStack() as stack:
        workshop = child_workshop()
        if workshop is not None:
            stack.enter_context(workshop)
        yield stack.enter_context(SandboxEngine(stack_kib, user_cache(), workshop))


class ChildWorkshop:
    """A `wasmhost.sandbox.compiling.Workshop` of child processes. Safe from any thread."""

    def __init__(self, zygote: Zygote | None = None) -> None:
        """``zygote``: somebody else's, who closes it; without it there is one of its own."""
        self._zygote = zygote or Zygote()
        self._is_own = zygote is None

    def compile(self, kind: ModuleKind, wasm: bytes, stack_kib: int, bounds: Bounds) -> bytes:
        """Compile a binary, and give the artifact.

        :raises GuestRefused: it does not compile, not within the bounds, or kills its compiler.
        :raises WallError: no child can be made.
        """
        request = REQUEST.pack(kind == "component", stack_kib, len(wasm))
        limits = ChildLimits(cpu_s=bounds.cpu_s, address_mib=bounds.memory_mib)
        with ExitStack() as stack:
            ours, theirs = socket.socketpair()
            stack.enter_context(closing(ours))
            words, their_words = os.pipe()
            stack.callback(os.close, words)
            try:
                child = self._zygote.fork("compile", theirs, extra_fds=[their_words], limits=limits)
            finally:
                theirs.close()
                os.close(their_words)
            stack.callback(child.kill)
            talk = _Talk(ours, time.monotonic() + _PATIENCE * bounds.cpu_s + _SPARE_S)
            answer = talk.ask(request, wasm)
            if answer is None:
                raise GuestRefused(_cause(child, talk, words, bounds))
            return _artifact(*answer, bounds)

    def close(self) -> None:
        """End the children, where the zygote is its own."""
        if self._is_own:
            self._zygote.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Talk:
    """One request and its answer, until a moment of the monotonic clock."""

    def __init__(self, end: socket.socket, until: float) -> None:
        self._end = end
        self._until = until
        self.late = False

    def ask(self, head: bytes, wasm: bytes) -> tuple[int, bytearray] | None:
        """Status and body of the answer; None where none came, or one that cannot be."""
        try:
            self._wait_at_most()
            self._end.sendall(head)
            self._wait_at_most()
            self._end.sendall(wasm)
            status, size = ANSWER.unpack(self._read(ANSWER.size))
            if size > (_LARGEST + _GROWTH * len(wasm) if status == COMPILED else _REASON_BYTES):
                return None
            return status, self._read(size)
        except TimeoutError:
            self.late = True
            return None
        except (OSError, EOFError):
            return None

    def _read(self, size: int) -> bytearray:
        data = bytearray(size)
        view = memoryview(data)
        while view:
            self._wait_at_most()
            received = self._end.recv_into(view)
            if not received:
                raise EOFError
            view = view[received:]
        return data

    def _wait_at_most(self) -> None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._end.settimeout(left)


def _artifact(status: int, body: bytearray, bounds: Bounds) -> bytes:
    if status == COMPILED and body.startswith(_ARTIFACT_MAGIC):
        return bytes(body)
    if status == REFUSED:
        reason = reason_of(body.decode("utf-8", "backslashreplace"))
        raise GuestRefused(f"it does not compile: {reason}")
    if status == NO_MEMORY:
        raise GuestRefused(_too_much_memory(bounds))
    raise GuestRefused("the compiler gave something that is no compiled module")


def _cause(child: Child, talk: _Talk, words: int, bounds: Bounds) -> str:
    """Why there is no answer: what the child died of, or that it has to."""
    if talk.late:
        return f"compiling it is not over after {_PATIENCE} times compile_s = {bounds.cpu_s}"
    code = child.wait(_END_S)
    if code is None:
        return "the compiler gave something that is no answer"
    if code == -signal.SIGXCPU:
        return f"compiling it took more than compile_s = {bounds.cpu_s} of processor time"
    if _OUT_OF_MEMORY in _last_words(words):
        return _too_much_memory(bounds)
    return f"the compiler crashed: {death_words(code)}"


def _last_words(words: int) -> bytes:
    """What the child wrote to its standard error; not to be shown: a stranger may have written it."""
    os.set_blocking(words, False)
    with suppress(OSError):
        return os.read(words, _REASON_BYTES)
    return b""


def _too_much_memory(bounds: Bounds) -> str:
    return f"compiling it took more memory than compile_mib = {bounds.memory_mib}"
