"""Long work, for a person who waits: what is being done and for how long, and Ctrl-C that leaves nothing."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Final, Generic, NoReturn, TypeVar

from wasmhost.cli.terminal import say, terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

T = TypeVar("T")

_FRAME_S: Final = 0.1
_QUIET_S: Final = 0.5  # what is done sooner needs no words
_PLAIN_EVERY_S: Final = 10.0
_END_S: Final = 3.0  # for the work to clean up after itself


class _Work(Generic[T]):
    """The work, on a thread of its own, so that signals are heard at once whatever it is doing."""

    def __init__(self, work: Callable[[Callable[[str], None]], T]) -> None:
        self.stage = ""
        self.result: T
        self.error: BaseException | None = None
        self._work = work
        self._thread = threading.Thread(target=self._run, name="wasmhost-work", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self.result = self._work(self._tell)
        except BaseException as error:
            self.error = error

    def _tell(self, stage: str) -> None:
        self.stage = stage

    def ended(self, timeout_s: float) -> bool:
        self._thread.join(timeout_s)
        return not self._thread.is_alive()


def at_work(what: str, work: Callable[[Callable[[str], None]], T]) -> T:
    """Do ``work`` and give what it gives; ``what`` names it. It is handed what to tell its stages to.

    SIGINT, SIGTERM and SIGHUP end what it started, remove what it has half written, and then us, as they
    would have at once.
    """
    stop = _Signals()
    with stop:
        doing = _Work(work)
        progress = _Progress(what)
        try:
            while not doing.ended(_FRAME_S):
                if stop.number is not None:
                    progress.clear()
                    _end(doing, stop.number)
                progress.show(doing.stage)
        finally:
            progress.clear()
    if doing.error is not None:
        raise doing.error
    return doing.result


def _end(doing: _Work[T], number: int) -> NoReturn:
    from wasmhost.authoring.interrupting import stop_all

    stop_all()
    doing.ended(_END_S)
    stop_all()  # what it still began, before it came to its end
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise SystemExit(128 + number)  # never reached, but where the signal is blocked


class _Signals:
    """Notes the first signal that asks us to end. One that whoever started us ignores stays ignored."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._note)

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)

    def _note(self, number: int, _frame: FrameType | None) -> None:
        if self.number is None:
            self.number = number


class _Progress:
    """One line that is written anew on a terminal; elsewhere a line now and then."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._width = terminal(sys.stderr).width if _moves() else None
        self._began = time.monotonic()
        self._next_plain = self._began + _PLAIN_EVERY_S
        self._shown = False

    def show(self, stage: str) -> None:
        now = time.monotonic()
        if now - self._began < _QUIET_S:
            return
        seconds = int(now - self._began)
        words = f"{self._what}: {stage} … {seconds} s" if stage else f"{self._what} … {seconds} s"
        if self._width is None:
            if now >= self._next_plain:
                self._next_plain += _PLAIN_EVERY_S
                say(words + "\n")
            return
        say(f"\r{words[: self._width - 1]}\033[K")
        self._shown = True

    def clear(self) -> None:
        if self._shown:
            say("\r\033[K")
        self._shown = False


def _moves() -> bool:
    """Whether a terminal can write over what it shows."""
    return os.environ.get("TERM") not in {None, "", "dumb"}
