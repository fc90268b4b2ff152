"""The face of an observer, and many observers behind that one face."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

import structlog

from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.contract.records import ActrError, SignalingEvent
from wasmhost.hook_queue import WAITING_LIMIT, HookQueue

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from typing import Any

    from wasmhost.contract.records import (
        BackpressureEvent,
        CredentialEvent,
        ErrorEvent,
        Payload,
        PeerEvent,
        RuntimeContext,
    )

_log = structlog.get_logger("wasmhost.hooks")

# Hooks whose payload the Python face has no parameter for.
_WITHOUT_PAYLOAD = frozenset({"on_signaling_connecting"})


class WorkloadHookObserver:
    """Sixteen hooks, each of which does nothing: override those that matter.

    The four lifecycle hooks are fallible: they return an error by raising
    :class:`~wasmhost.contract.records.ActrError`. Whatever else a hook raises is a panic, is isolated
    and logged, and reaches neither the node nor another observer. Hooks of one observer run one at a
    time, in the order of their events.
    """

    async def on_start(self, ctx: RuntimeContext) -> None:
        """Hear that the node starts; it may have no peers yet. Fallible."""

    async def on_ready(self, ctx: RuntimeContext) -> None:
        """Hear that the node is ready to serve. Fallible."""

    async def on_stop(self, ctx: RuntimeContext) -> None:
        """Hear that the node stops. Fallible."""

    async def on_error(self, ctx: RuntimeContext, event: ErrorEvent) -> None:
        """Hear that something went wrong in the node. Fallible."""

    async def on_signaling_connecting(self, ctx: RuntimeContext | None) -> None:
        """Hear that the node dials its signaling server; no context before it has an identity."""

    async def on_signaling_connected(self, ctx: RuntimeContext | None) -> None:
        """Hear that the signaling connection stands; no context before the node has an identity."""

    async def on_signaling_disconnected(self, ctx: RuntimeContext) -> None:
        """Hear that the signaling connection is lost."""

    async def on_websocket_connecting(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Hear that a WebSocket connection to a peer is being made."""

    async def on_websocket_connected(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Hear that a WebSocket connection to a peer stands."""

    async def on_websocket_disconnected(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Hear that a WebSocket connection to a peer is gone."""

    async def on_webrtc_connecting(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Hear that a WebRTC connection to a peer is being made."""

    async def on_webrtc_connected(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Hear that a WebRTC connection to a peer stands; ``event.relayed`` says whether through a relay."""

    async def on_webrtc_disconnected(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Hear that a WebRTC connection to a peer is gone or, with status ``recovering``, being rebuilt."""

    async def on_credential_renewed(self, ctx: RuntimeContext, event: CredentialEvent) -> None:
        """Hear that the node has a new credential."""

    async def on_credential_expiring(self, ctx: RuntimeContext, event: CredentialEvent) -> None:
        """Hear that the node's credential ends soon."""

    async def on_mailbox_backpressure(self, ctx: RuntimeContext, event: BackpressureEvent) -> None:
        """Hear that more messages wait for the node than it likes."""


def call_hook(
    observer: WorkloadHookObserver, hook: str, ctx: RuntimeContext | None, payload: Payload | None
) -> Coroutine[Any, Any, None]:
    """Make the call of one hook by its name; nothing of the observer runs before it is awaited.

    ``payload`` is left out where the hook takes none. Awaiting raises whatever the hook raises.
    """
    takes_payload = payload is not None and hook not in _WITHOUT_PAYLOAD
    return _call(observer, hook, (ctx, payload) if takes_payload else (ctx,))


async def _call(observer: WorkloadHookObserver, hook: str, arguments: tuple[object, ...]) -> None:
    await getattr(observer, hook)(*arguments)


async def deliver_hook(
    observer: WorkloadHookObserver, hook: str, ctx: RuntimeContext | None, payload: Payload | None
) -> None:
    """Call a hook as a stream of events does: nobody waits for a fallible one's error, so it is logged.

    Raises what is a panic, which from a hook that is not fallible includes an ActrError.
    """
    call = call_hook(observer, hook, ctx, payload)
    if not HOOK_BY_NAME[hook].fallible:
        await call
        return
    try:
        await call
    except ActrError as error:
        _log.warning(f"workload {hook} returned Err", error=str(error))


class ForwardingObserver(WorkloadHookObserver):
    """Passes every hook on, by its name, to whoever is behind this face.

    ``submit`` takes what nobody awaits, and must not block; ``run`` takes the four lifecycle hooks,
    waits, and raises their ActrError.
    """

    def submit(self, hook: str, ctx: RuntimeContext | None, payload: Payload | None = None) -> None:
        """Pass on a hook that nobody awaits."""
        raise NotImplementedError

    async def run(self, hook: str, ctx: RuntimeContext, payload: Payload | None = None) -> None:
        """Pass on a lifecycle hook, and wait for its end."""
        raise NotImplementedError

    async def on_start(self, ctx: RuntimeContext) -> None:
        """Pass it on, and wait."""
        await self.run("on_start", ctx)

    async def on_ready(self, ctx: RuntimeContext) -> None:
        """Pass it on, and wait."""
        await self.run("on_ready", ctx)

    async def on_stop(self, ctx: RuntimeContext) -> None:
        """Pass it on, behind all that is queued, and wait."""
        await self.run("on_stop", ctx)

    async def on_error(self, ctx: RuntimeContext, event: ErrorEvent) -> None:
        """Pass it on, and wait."""
        await self.run("on_error", ctx, event)

    async def on_signaling_connecting(self, ctx: RuntimeContext | None) -> None:
        """Pass it on."""
        self.submit("on_signaling_connecting", ctx, SignalingEvent())

    async def on_signaling_connected(self, ctx: RuntimeContext | None) -> None:
        """Pass it on."""
        self.submit("on_signaling_connected", ctx)

    async def on_signaling_disconnected(self, ctx: RuntimeContext) -> None:
        """Pass it on."""
        self.submit("on_signaling_disconnected", ctx)

    async def on_websocket_connecting(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Pass it on."""
        self.submit("on_websocket_connecting", ctx, event)

    async def on_websocket_connected(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Pass it on."""
        self.submit("on_websocket_connected", ctx, event)

    async def on_websocket_disconnected(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Pass it on."""
        self.submit("on_websocket_disconnected", ctx, event)

    async def on_webrtc_connecting(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Pass it on."""
        self.submit("on_webrtc_connecting", ctx, event)

    async def on_webrtc_connected(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Pass it on."""
        self.submit("on_webrtc_connected", ctx, event)

    async def on_webrtc_disconnected(self, ctx: RuntimeContext, event: PeerEvent) -> None:
        """Pass it on."""
        self.submit("on_webrtc_disconnected", ctx, event)

    async def on_credential_renewed(self, ctx: RuntimeContext, event: CredentialEvent) -> None:
        """Pass it on."""
        self.submit("on_credential_renewed", ctx, event)

    async def on_credential_expiring(self, ctx: RuntimeContext, event: CredentialEvent) -> None:
        """Pass it on."""
        self.submit("on_credential_expiring", ctx, event)

    async def on_mailbox_backpressure(self, ctx: RuntimeContext, event: BackpressureEvent) -> None:
        """Pass it on."""
        self.submit("on_mailbox_backpressure", ctx, event)


class ObserverGroup(ForwardingObserver):
    """Several observers as one; each is served on its own, so that a slow or failing one hurts no other.

    Every member has a FIFO: hooks reach it one at a time and in order, lifecycle hooks included.
    Awaiting a hook that is not fallible queues it and returns. Awaiting one of the four lifecycle
    hooks waits for all members and raises one ActrError for all that failed; it must not be awaited
    by a hook of a member, which then would wait for itself.

    ``waiting_limit`` is how many hooks may wait for a member before its oldest are dropped.
    """

    def __init__(
        self, observers: Iterable[WorkloadHookObserver], *, waiting_limit: int = WAITING_LIMIT
    ) -> None:
        self.members = tuple(observers)
        self._branches = tuple(
            (member, HookQueue(type(member).__name__, limit=waiting_limit)) for member in self.members
        )

    @property
    def dropped(self) -> int:
        """How many hooks were dropped so far because a member fell behind, over all members."""
        return sum(queue.dropped for _member, queue in self._branches)

    def submit(self, hook: str, ctx: RuntimeContext | None, payload: Payload | None = None) -> None:
        """Queue a hook for every member; never blocks. A fallible hook's error is logged at warn."""
        for member, queue in self._branches:
            queue.put(hook, partial(deliver_hook, member, hook, ctx, payload))

    async def run(self, hook: str, ctx: RuntimeContext, payload: Payload | None = None) -> None:
        """Tell every member of a lifecycle hook, behind what it has queued, and wait for all."""
        calls = (
            queue.run(hook, partial(call_hook, member, hook, ctx, payload))
            for member, queue in self._branches
        )
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        failed: list[tuple[str, ActrError]] = []
        for member, outcome in zip(self.members, outcomes, strict=True):
            if isinstance(outcome, ActrError):
                failed.append((type(member).__name__, outcome))
            elif outcome is not None:
                raise outcome  # a cancellation
        if failed:
            raise collected_error(failed)


def collected_error(failed: list[tuple[str, ActrError]]) -> ActrError:
    """Make one error of all that observers returned, each given with its observer's name.

    An only one is returned as it is. Of several, the kind is theirs where they share it, else
    "internal"; the errors themselves are its cause, as a group.
    """
    if len(failed) == 1:
        return failed[0][1]
    kinds = {error.kind for _name, error in failed}
    together = ActrError(
        kinds.pop() if len(kinds) == 1 else "internal",
        f"{len(failed)} observers failed: " + "; ".join(f"{name}: {error}" for name, error in failed),
    )
    together.__cause__ = ExceptionGroup("observers failed", [error for _name, error in failed])
    return together
