"""The node's way to its observers: every event goes through here, with its context, once and in order.

Nothing here waits or fails: an emitter puts events into a buffer, and whether a host listens is none of the
node's business.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Protocol

from pynode.narrator import describe
from wasmhost import ErrorEvent, ErrorSource, RuntimeContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost import ActrId, ErrorCategory, HookEvent


class Outlet(Protocol):
    """Where events go: a ``wasmhost.emitter.Emitter``, or in a test, a list. No method waits."""

    def emit(self, event: HookEvent, ctx: RuntimeContext | None = None) -> None:
        """Take one of the node's events; without a context the node has no identity yet."""
        ...

    def emit_hook(self, hook: str, ctx: RuntimeContext | None, payload: ErrorEvent | None = None) -> None:
        """Take ``on_start``, ``on_ready`` or ``on_stop``, or ``on_error`` with its payload."""
        ...


class Nobody:
    """The outlet of a node that has no observers."""

    def emit(self, event: HookEvent, ctx: RuntimeContext | None = None) -> None:
        """Forget it."""

    def emit_hook(self, hook: str, ctx: RuntimeContext | None, payload: ErrorEvent | None = None) -> None:
        """Forget it."""


class Hooks:
    """Tells of what happens to one node. ``say`` is given a line about each event, for a person."""

    def __init__(self, outlet: Outlet, say: Callable[[str], None]) -> None:
        self.self_id: ActrId | None = None
        self._outlet = outlet
        self._say = say

    def identify(self, identity: ActrId) -> None:
        """Learn who we are; from here on events have a context."""
        self.self_id = identity

    def emit(self, event: HookEvent, *, caller: ActrId | None = None, request_id: str = "") -> None:
        """Tell of an event; ``caller`` and ``request_id`` where it came of serving a peer's request."""
        self._say(describe(event))
        self._outlet.emit(event, self._context(caller, request_id))

    def start(self) -> None:
        """Tell that the node starts."""
        self._lifecycle("on_start")

    def ready(self) -> None:
        """Tell that the node is ready to serve."""
        self._lifecycle("on_ready")

    def stop(self) -> None:
        """Tell that the node stops."""
        self._lifecycle("on_stop")

    def error(
        self,
        category: ErrorCategory,
        source: tuple[str, str],
        during: str,
        *,
        caller: ActrId | None = None,
        request_id: str = "",
    ) -> None:
        """Tell of something that went wrong: kind and message of it, and what was being done."""
        self._say(f"error: {category}: {source[1]} ({during})")
        if (ctx := self._context(caller, request_id)) is not None:
            event = ErrorEvent(ErrorSource(*source), category, during, time.time_ns())
            self._outlet.emit_hook("on_error", ctx, event)

    def _lifecycle(self, hook: str) -> None:
        self._say(hook.removeprefix("on_"))
        if (ctx := self._context(None, "")) is not None:
            self._outlet.emit_hook(hook, ctx)

    def _context(self, caller: ActrId | None, request_id: str) -> RuntimeContext | None:
        return None if self.self_id is None else RuntimeContext(self.self_id, caller, request_id)
