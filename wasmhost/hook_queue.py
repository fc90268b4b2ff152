"""The FIFO of one trusted observer: its hooks run one at a time, in the order they were queued."""

from __future__ import annotations

import asyncio
from collections import deque
from contextvars import ContextVar, copy_context
from typing import TYPE_CHECKING, NamedTuple

import structlog

from wasmhost.contract.records import ActrError
from wasmhost.isolation import call_lifecycle_hook, spawn_hook

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context
    from typing import Any

    Call = Callable[[], Coroutine[Any, Any, object]]

_log = structlog.get_logger("wasmhost.hooks")

WAITING_LIMIT = 1024
"""How many hooks may wait for one observer, before the oldest are dropped."""


class _Waiting(NamedTuple):
    label: str
    call: Call  # makes the coroutine only when its turn has come: one never run would have to be closed
    result: asyncio.Future[None] | None  # of a caller that waits for the hook's error
    context: Context  # the emitter's, or the hook would see the context of an earlier event
    mark: object  # stands for this hook in _callers, which must not hold the context that holds it


# The marks of the hooks that wait for the code that runs now to end, each called by the one before it.
_callers: ContextVar[tuple[object, ...]] = ContextVar("_callers", default=())


class HookQueue:
    """Queues hooks of one observer and runs each in a task of its own, the next after the last.

    A hook that hangs makes the queue grow up to ``limit``; from there on the oldest waiting hook is
    dropped for each new one. ``dropped`` counts them, and the first of an episode is logged; the
    episode ends when nothing waits any more.

    Belongs to one event loop, and ends with it: when a hook's task is cancelled from outside, as a
    loop does that shuts down, what waits is dropped as well.
    """

    def __init__(self, observer: str, *, limit: int = WAITING_LIMIT) -> None:
        self.dropped = 0
        self._observer = observer
        self._limit = limit
        self._waiting: deque[_Waiting] = deque()
        self._current: _Waiting | None = None
        self._overflowing = False

    def put(self, label: str, call: Call) -> None:
        """Queue a hook that nobody waits for. Never blocks; the hook starts later, never inside of put."""
        self._add(label, call, None, ())

    async def run(self, label: str, call: Call) -> None:
        """Queue a fallible hook and wait for its end.

        Raises what :func:`call_lifecycle_hook` raises, and ActrError("unavailable", …) where the
        queue had to drop the hook, or where the hook it serves would wait here for itself. A
        caller that is cancelled stops waiting; the hook keeps its turn.
        """
        callers = _callers.get()
        if self._current is not None and self._current.mark in callers:
            raise ActrError("unavailable", f"{label} would wait for the hook that called it")
        result: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._add(label, call, result, callers)
        await result

    def _add(
        self, label: str, call: Call, result: asyncio.Future[None] | None, callers: tuple[object, ...]
    ) -> None:
        waiting = _Waiting(label, call, result, copy_context(), object())
        waiting.context.run(_callers.set, (*callers, waiting.mark))
        self._waiting.append(waiting)
        if len(self._waiting) > self._limit:
            self._drop_oldest()
        if self._current is None:
            self._next()

    def _next(self) -> None:
        if not self._waiting:
            self._overflowing = False
            return
        waiting = self._waiting.popleft()
        work = waiting.call() if waiting.result is None else _answer(waiting, waiting.result)
        self._current = waiting
        spawn_hook(waiting.label, work, context=waiting.context).add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        ended, self._current = self._current, None
        if ended is not None and ended.result is not None:
            ended.result.cancel()  # only a hook that was cancelled leaves it open
        if task.cancelling():
            while self._waiting:
                self._drop(self._waiting.popleft())
        self._next()

    def _drop_oldest(self) -> None:
        oldest = self._waiting.popleft()
        self._drop(oldest)
        if not self._overflowing:
            self._overflowing = True
            _log.warning(
                "observer falls behind; dropping its oldest events",
                observer=self._observer,
                waiting=self._limit,
                dropped=self.dropped,
                hook=oldest.label,
            )

    def _drop(self, waiting: _Waiting) -> None:
        self.dropped += 1
        if waiting.result is not None and not waiting.result.done():
            waiting.result.set_exception(
                ActrError("unavailable", f"{waiting.label} was dropped from the queue")
            )


async def _answer(waiting: _Waiting, result: asyncio.Future[None]) -> None:
    """Run a fallible hook and hand its outcome to the caller that waits, if it still does."""
    try:
        await call_lifecycle_hook(waiting.label, waiting.call())
    except ActrError as error:
        if not result.done():
            result.set_exception(error)
    else:
        if not result.done():
            result.set_result(None)
