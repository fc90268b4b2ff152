"""Any thread's way into the buffer, which waits for nobody; and the sender's, which may."""

from __future__ import annotations

from collections import deque
from threading import Lock
from typing import TYPE_CHECKING, TypeVar

from wasmhost.emitter.buffer import Buffer

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.contract.encode import Unnumbered
    from wasmhost.emitter.buffer import Limits

_T = TypeVar("_T")


class Gate:
    """Guards a buffer without ever making one wait who puts an event in.

    An event arrives by one atomic step, and that step decides its place among all others. Whoever can
    have the lock then moves what arrived into the buffer; who cannot leaves it to the one who has it, and
    who looks again after having let go. So it is safe from a signal handler and a destructor too, also
    where they interrupt this very code.
    """

    def __init__(self, limits: Limits) -> None:
        self._buffer = Buffer(limits)
        self._arrived: deque[Unnumbered] = deque()
        self._lock = Lock()

    def put(self, event: Unnumbered) -> None:
        """Let an event in. Waits for nothing."""
        self._arrived.append(event)
        self._settle()

    def use(self, work: Callable[[Buffer], _T]) -> _T:
        """Do something with the buffer, all that arrived before being in it. Waits for its turn."""
        with self._lock:
            self._buffer.put_all(self._arrived)
            result = work(self._buffer)
        self._settle()
        return result

    def _settle(self) -> None:
        arrived, lock = self._arrived, self._lock
        # Looked at again after letting go: nobody else may come for what arrived meanwhile.
        while arrived and lock.acquire(False):
            try:
                self._buffer.put_all(arrived)
            finally:
                lock.release()
