"""The epoch ticker: deadlines that fire although Python is busy.

A Python thread that ticks needs the GIL: beside four busy threads its 100 ms deadline fired at 159 to
756 ms. A POSIX timer with SIGEV_THREAD calls ``wasmtime_engine_increment_epoch`` itself, on a thread
of the C library's, and never asks. Where there is none (no glibc or musl), a Python thread does it.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
from typing import TYPE_CHECKING, Final, Protocol

from wasmtime import _ffi as ffi

from wasmhost.errors import InternalError
from wasmhost.sandbox.native import library

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmtime import Engine

_CLOCK_MONOTONIC: Final = 1
_SIGEV_THREAD: Final = 2
_NS: Final = 1_000_000_000


class Clock(Protocol):
    """Counts an engine's epoch up, at its own pace, between `start` and `stop`."""

    def start(self) -> None:
        """Tick from now on."""

    def stop(self) -> None:
        """Stop ticking: an idle host wakes nobody."""

    def close(self) -> None:
        """End for good."""


class Ticker:
    """A clock that is armed while guests run. Safe from any thread.

    Whoever runs guests arms it again and again, and somebody else disarms it when all is still. What
    runs out of that one's sight, an instantiation, holds it: a disarming then waits until it is over.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._armed = False
        self._closed = False
        self._holders = 0

    def arm(self) -> None:
        """Tick from now on. Cheap, and harmless when armed."""
        with self._lock:
            if self._closed:
                raise InternalError("the engine is closed, and with it the clock of its deadlines")
            if not self._armed:
                self._clock.start()
                self._armed = True

    def disarm(self) -> None:
        """Stop ticking, unless somebody holds it: then the next `disarm` does."""
        with self._lock:
            if self._armed and not self._holders:
                self._armed = False
                self._clock.stop()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Armed, and not to be disarmed."""
        with self._lock:
            self._holders += 1
        try:
            self.arm()
            yield
        finally:
            with self._lock:
                self._holders -= 1

    def close(self) -> None:
        """End for good. Safe to call again."""
        with self._lock:
            if not self._closed:
                self._closed, self._armed = True, False
                self._clock.close()


class _Sigevent(ctypes.Structure):
    """``struct sigevent`` of Linux: 64 bytes, of which SIGEV_THREAD uses these."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("function", ctypes.c_void_p),
        ("attributes", ctypes.c_void_p),
        ("padding", ctypes.c_byte * 32),
    )


class _Itimerspec(ctypes.Structure):
    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


class EpochTimer:
    """A POSIX timer that ticks an engine's epoch. Owns the timer, and one reference to the engine.

    That reference is never dropped, by design: a notification thread that had started when the timer
    was deleted may still be about to run, nothing says when it has, and it would write into a freed
    engine. It costs one engine per closed timer; a process has one, or a few.
    """

    def __init__(self, engine: Engine, tick_ns: int) -> None:
        """Make the timer, not yet ticking. :raises OSError: the system has no timer for us."""
        self._libc = _libc()
        self._timer = ctypes.c_void_p()
        self._on = _Itimerspec(*divmod(tick_ns, _NS), *divmod(tick_ns, _NS))
        self._off = _Itimerspec(0, 0, 0, 0)
        kept = ffi.wasmtime_engine_clone(engine.ptr())
        event = _Sigevent(
            value=ctypes.cast(kept, ctypes.c_void_p).value,
            notify=_SIGEV_THREAD,
            function=library.address_of_increment_epoch(),
        )
        try:
            _check(self._libc.timer_create(_CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(self._timer)))
        except OSError:
            ffi.wasm_engine_delete(kept)
            raise

    def start(self) -> None:
        """Tick from now on."""
        self._set(self._on)

    def stop(self) -> None:
        """Stop ticking."""
        self._set(self._off)

    def close(self) -> None:
        """Delete the timer. Nothing may be called after that."""
        _check(self._libc.timer_delete(self._timer))

    def _set(self, spec: _Itimerspec) -> None:
        _check(self._libc.timer_settime(self._timer, 0, ctypes.byref(spec), None))


def _check(status: int) -> None:
    if status != 0:
        raise OSError(ctypes.get_errno(), "the POSIX timer for deadlines failed")


def _libc() -> ctypes.CDLL:
    if not sys.platform.startswith("linux"):
        raise OSError("no POSIX timers with SIGEV_THREAD here")
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "timer_create"):  # glibc before 2.34 keeps it in a library of its own
        return ctypes.CDLL("librt.so.1", use_errno=True)
    return libc


class EpochThread:
    """The fallback: a Python thread that ticks. Its deadlines come late when Python is busy."""

    def __init__(self, engine: Engine, tick_ns: int) -> None:
        """Make the clock; its thread starts when it first ticks."""
        self._engine = engine
        self._tick_s = tick_ns / _NS
        self._armed = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Tick from now on."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="wasmhost-epoch", daemon=True)
            self._thread.start()
        self._armed.set()

    def stop(self) -> None:
        """Stop ticking."""
        self._armed.clear()

    def close(self) -> None:
        """End the thread."""
        self._closed = True
        self._armed.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        pause = threading.Event()
        while True:
            self._armed.wait()
            if self._closed:
                return
            pause.wait(self._tick_s)
            self._engine.increment_epoch()


def ticker(engine: Engine, tick_ns: int) -> Ticker:
    """The best ticker this system has."""
    with contextlib.suppress(OSError):
        return Ticker(EpochTimer(engine, tick_ns))
    return Ticker(EpochThread(engine, tick_ns))
