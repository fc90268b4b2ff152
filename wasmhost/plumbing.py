"""The way from a node's events to observers written in Python: log, build the context, route, queue."""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING

from wasmhost.contract.hooks import EARLY_HOOKS
from wasmhost.contract.records import route
from wasmhost.hook_log import log_hook_event
from wasmhost.isolation import call_lifecycle_hook, is_panic, log_panic, panic_info, spawn_hook
from wasmhost.observer import ObserverGroup

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wasmhost.contract.records import HookEvent, RuntimeContext
    from wasmhost.observer import WorkloadHookObserver

__all__ = ["build_hook_callback", "call_lifecycle_hook", "log_hook_event", "panic_info", "spawn_hook"]


def build_hook_callback(
    observer: WorkloadHookObserver | None,
    ctx_builder: Callable[[], Awaitable[RuntimeContext | None]],
    *,
    clock: Callable[[], int] = time.time_ns,
) -> Callable[[HookEvent], Awaitable[None]]:
    """Make the callback a node awaits for each of its events, in the order they happen.

    The callback logs the event's default record, awaits ``ctx_builder`` and queues the event for
    ``observer``; the hook runs later, detached. Both happen also when there is no observer, but for
    the queueing. Without a context (None) only the two early signaling hooks are delivered. A
    ``ctx_builder`` that raises is treated like a hook that panics, and its event is not delivered.

    Events keep the order in which the callback was called, also when several calls wait for their
    contexts at the same time. ``clock`` gives Unix nanoseconds, for the events that carry a time.
    """
    group = (
        observer if observer is None or isinstance(observer, ObserverGroup) else ObserverGroup((observer,))
    )
    submit = None if group is None else group.submit
    order = _Order()

    async def callback(event: HookEvent) -> None:
        log_hook_event(event)
        hook, payload = route(event, clock())
        place = order.take_place()
        try:
            ctx = await ctx_builder()
            if submit is not None and (ctx is not None or hook in EARLY_HOOKS):
                place.action = partial(submit, hook, ctx, payload)
        except BaseException as error:
            if not is_panic(error):
                raise
            log_panic(hook, error)
        finally:
            order.leave(place)

    return callback


class _Place:
    """Where an event stands while its context is built, and what is to be done when its turn comes."""

    __slots__ = ("action", "ready")

    def __init__(self) -> None:
        self.ready = False
        self.action: Callable[[], None] | None = None


class _Order:
    """Puts what becomes ready in any order back into the order in which it began.

    Holding the place and not a lock, because building a context may itself emit an event, which
    would wait for the lock its own caller holds. It is bounded by the calls that are in progress.
    """

    def __init__(self) -> None:
        self._places: deque[_Place] = deque()

    def take_place(self) -> _Place:
        place = _Place()
        self._places.append(place)
        return place

    def leave(self, place: _Place) -> None:
        """Do what is to be done for ``place``, as soon as all that began before it are through."""
        place.ready = True
        while self._places and self._places[0].ready:
            action = self._places.popleft().action
            if action is not None:
                action()
