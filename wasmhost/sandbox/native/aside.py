"""A native call on a thread of its own, for calls that come back into Python on the main thread.

Python's signal handlers run on the main thread, between any two steps of Python code, and so also as a
callback begins, before it could catch anything. What a handler raises there (KeyboardInterrupt, for one)
is lost, and the engine takes for the callback's answer what happened to lie on the stack. On any other
thread no handler runs.
"""

from __future__ import annotations

import _thread
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def on_main_thread() -> bool:
    """Whether signal handlers may run here."""
    return _thread.get_ident() == threading.main_thread().ident


class Errand:
    """One native call at a time, elsewhere. ``away``: it has not come back, whatever its caller thinks."""

    __slots__ = ("_failure", "_found", "away")

    def __init__(self) -> None:
        self.away = False
        self._found: int | None = None
        self._failure: BaseException | None = None

    def run(self, call: Callable[..., int | None], *arguments: object) -> int | None:
        """Make the call, wait until it is back, and only then raise what interrupted the waiting.

        :raises RuntimeError: there is no thread to be had.
        """
        back = _thread.allocate_lock()
        back.acquire()
        self.away = True
        try:
            _thread.start_new_thread(self._go, (back, call, arguments))
        except RuntimeError:  # and nothing else, after which it might have been started
            self.away = False
            raise
        interrupt: BaseException | None = None
        while self.away:  # and not until the lock is had: an interrupt may come when it just was
            try:
                back.acquire()
            except BaseException as error:  # it must not leave before the guest has
                interrupt = error
        failure, self._failure = self._failure, None
        if interrupt is not None:
            raise interrupt
        if failure is not None:
            raise failure
        return self._found

    def _go(
        self, back: _thread.LockType, call: Callable[..., int | None], arguments: tuple[object, ...]
    ) -> None:
        try:
            self._found = call(*arguments)
        except BaseException as error:
            self._failure = error
        finally:
            self.away = False
            back.release()
