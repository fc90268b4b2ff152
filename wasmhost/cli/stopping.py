"""Signals: the first asks a run to end, a second SIGINT ends the process."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable
    from types import FrameType, TracebackType
    from typing import Self

    _Handler = Callable[[int, FrameType | None], object] | int | None

INTERRUPTED = 130


class StopRequest:
    """Handles SIGINT, SIGTERM and SIGHUP within its ``with`` block, from the main thread.

    The handlers are Python's own, not the event loop's: so a second SIGINT works whatever the loop is
    at, and a first one that comes before there is a loop is not lost.
    """

    def __init__(self, *, hang_up_ends: bool = True) -> None:
        """``hang_up_ends``: whether SIGHUP asks for the end, too. Else it is noted, for who sees to it."""
        self.asked = False
        self.hung_up = False
        """Whether there was a SIGHUP that did not ask for the end."""
        self._hang_up_ends = hang_up_ends
        self._tell: Callable[[], None] | None = None
        self._before: dict[signal.Signals, _Handler] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            # None: it was installed by code that is not Python's, and can't be put back.
            signal.signal(
                number, handler if callable(handler) or isinstance(handler, int) else signal.SIG_DFL
            )

    def call(self, stop: Callable[[], None], loop: AbstractEventLoop) -> None:
        """Have ``stop`` called on ``loop`` when it is asked for, which may have been already."""

        def tell() -> None:
            loop.call_soon_threadsafe(stop)

        self._tell = tell
        if self.asked:
            stop()

    def forget(self) -> None:
        """There is nothing to stop any more; the loop may go."""
        self._tell = None

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and self.asked:
            os._exit(INTERRUPTED)  # and no last word: standard error may be what we hang on
        if number == signal.SIGHUP and not self._hang_up_ends:
            self.hung_up = True
            return
        self.asked = True
        if self._tell is not None:
            self._tell()
