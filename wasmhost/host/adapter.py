"""The host, or one of its observers, behind the face that observers written in Python have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from wasmhost.observer import ForwardingObserver

if TYPE_CHECKING:
    from wasmhost.contract.records import Payload, RuntimeContext


class Emit(Protocol):
    """How a hook that nobody awaits is passed on: never blocks."""

    def __call__(self, hook: str, ctx: RuntimeContext | None, payload: Payload | None = None) -> None:
        """Pass it on."""
        ...


class Call(Protocol):
    """How a lifecycle hook is passed on: awaited, and raises ActrError."""

    async def __call__(self, hook: str, ctx: RuntimeContext, payload: Payload | None = None) -> None:
        """Pass it on, and wait."""
        ...


class SandboxedObserver(ForwardingObserver):
    """Passes every hook on to sandboxed observers; see `ObserverHost.as_observer`.

    A lifecycle hook waits for them and raises their errors as one
    :class:`~wasmhost.contract.records.ActrError`. Any other hook is queued when its call returns.

    What this face has no words for is lost on the way: the event's own time (it gets that of the
    call), and the attempt of ``on_signaling_connecting``. The host numbers the events anew.
    """

    def __init__(self, emit: Emit, call: Call) -> None:
        self._emit = emit
        self._call = call

    def submit(self, hook: str, ctx: RuntimeContext | None, payload: Payload | None = None) -> None:
        """Emit it."""
        self._emit(hook, ctx, payload)

    async def run(self, hook: str, ctx: RuntimeContext, payload: Payload | None = None) -> None:
        """Have the host run it, and wait."""
        await self._call(hook, ctx, payload)
