"""An observer whose every hook goes to a host elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmhost.observer import ForwardingObserver

if TYPE_CHECKING:
    from wasmhost.contract.records import Payload, RuntimeContext
    from wasmhost.emitter.emitter import Emitter


class HookForwarder(ForwardingObserver):
    """Gives all sixteen hooks to an emitter, for a node that knows observers and not emitters.

    No hook waits, also not the four lifecycle hooks: what a far observer says of them is logged there.
    A hook is not told all that an event says, so this is lost: which attempt a signaling connection is,
    and when the event happened (it gets the time at which the hook is called). A node that has the events
    themselves gives them to :meth:`Emitter.emit`, which keeps both.
    """

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter

    def submit(self, hook: str, ctx: RuntimeContext | None, payload: Payload | None = None) -> None:
        """Send a hook."""
        self._emitter.emit_hook(hook, ctx, payload)

    async def run(self, hook: str, ctx: RuntimeContext, payload: Payload | None = None) -> None:
        """Send a lifecycle hook, and do not wait for its end: that is elsewhere, and perhaps tomorrow."""
        self._emitter.emit_hook(hook, ctx, payload)
