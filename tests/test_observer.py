"""Observers: one that does nothing, many behind one face, and what each of them cannot do to the others."""

from __future__ import annotations

import asyncio
import gc
import inspect
from typing import Any

import pytest
from structlog.testing import capture_logs

from wasmhost.contract import records as r
from wasmhost.contract.hooks import EARLY_HOOKS, HOOKS
from wasmhost.contract.records import ActrError, RuntimeContext
from wasmhost.hook_queue import HookQueue
from wasmhost.observer import ForwardingObserver, ObserverGroup, WorkloadHookObserver, call_hook
from wasmhost.plumbing import build_hook_callback

PEER = r.ActrId(r.Realm(1), 2, r.ActrType("acme", "node", "1.0.0"))
CTX = RuntimeContext(PEER)
ERROR = r.ErrorEvent(r.ErrorSource("k", "m"), r.ErrorCategory.HANDLER_ERROR, "", 1)
PAYLOADS: dict[str | None, Any] = {
    None: None,
    "signaling-event": r.SignalingEvent(1),
    "peer-event": r.PeerEvent(PEER),
    "error-event": ERROR,
    "credential-event": r.CredentialEvent(1),
    "backpressure-event": r.BackpressureEvent(2, 1),
}


async def settle() -> None:
    """Let everything that is ready run."""
    for _ in range(20):
        await asyncio.sleep(0)


class Witness(WorkloadHookObserver):
    """Notes the hooks it is called with; `gate` holds back those of websocket connections."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def on_start(self, ctx: RuntimeContext) -> None:  # noqa: ARG002
        """Note it."""
        self.seen.append("start")

    async def on_stop(self, ctx: RuntimeContext) -> None:  # noqa: ARG002
        """Note it."""
        self.seen.append("stop")

    async def on_websocket_connected(self, ctx: RuntimeContext, event: r.PeerEvent) -> None:  # noqa: ARG002
        """Wait for the gate, then note it."""
        await self.gate.wait()
        self.seen.append("connected")

    async def on_mailbox_backpressure(self, ctx: RuntimeContext, event: r.BackpressureEvent) -> None:  # noqa: ARG002
        """Note how many wait."""
        self.seen.append(str(event.queue_len))


class Faulty(Witness):
    """Fails in everything it can."""

    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self.error = error

    async def on_start(self, ctx: RuntimeContext) -> None:  # noqa: ARG002
        """Fail."""
        raise self.error

    async def on_websocket_connected(self, ctx: RuntimeContext, event: r.PeerEvent) -> None:  # noqa: ARG002
        """Fail."""
        raise self.error


@pytest.mark.parametrize("hook", HOOKS, ids=[hook.name for hook in HOOKS])
async def test_each_of_the_sixteen_hooks_is_there_and_does_nothing(hook: Any) -> None:
    """With the parameters its payload asks for; the early signaling hooks take None for the context."""
    method = getattr(WorkloadHookObserver, hook.name)
    assert inspect.iscoroutinefunction(method)
    parameters = list(inspect.signature(method).parameters)
    takes_event = hook.payload is not None and hook.name != "on_signaling_connecting"
    assert parameters == ["self", "ctx", "event"][: 3 if takes_event else 2]
    ctx = None if hook.name in EARLY_HOOKS else CTX
    await call_hook(WorkloadHookObserver(), hook.name, ctx, PAYLOADS[hook.payload])


def test_the_observer_has_no_hook_the_table_lacks() -> None:
    """Nor has what the group passes on, which is every one of them."""
    names = {hook.name for hook in HOOKS}
    assert {name for name in dir(WorkloadHookObserver) if name.startswith("on_")} == names
    assert issubclass(ObserverGroup, ForwardingObserver)
    assert {name for name in vars(ForwardingObserver) if name.startswith("on_")} == names


class TestGroup:
    @pytest.mark.parametrize("hook", HOOKS, ids=[hook.name for hook in HOOKS])
    async def test_every_hook_reaches_every_member(self, hook: Any) -> None:
        """With the same arguments."""
        calls: list[tuple[str, object]] = []

        def member(name: str) -> WorkloadHookObserver:
            async def record(*arguments: object) -> None:
                calls.append((name, arguments))

            observer = WorkloadHookObserver()
            setattr(observer, hook.name, record)
            return observer

        payload = None if hook.name == "on_signaling_connecting" else PAYLOADS[hook.payload]
        arguments = (CTX,) if payload is None else (CTX, payload)
        await getattr(ObserverGroup([member("a"), member("b")]), hook.name)(*arguments)
        await settle()
        assert calls == [("a", arguments), ("b", arguments)]

    async def test_a_slow_member_holds_back_neither_the_caller_nor_the_others(self) -> None:
        """Its own events wait, in their order."""
        slow, quick = Witness(), Witness()
        slow.gate.clear()
        group = ObserverGroup([slow, quick])
        await group.on_websocket_connected(CTX, r.PeerEvent(PEER))
        await group.on_mailbox_backpressure(CTX, r.BackpressureEvent(7, 1))
        await settle()
        assert (slow.seen, quick.seen) == ([], ["connected", "7"])
        slow.gate.set()
        await settle()
        assert slow.seen == ["connected", "7"]

    async def test_a_panicking_member_hurts_no_other(self) -> None:
        """It is logged, and goes on with its next event."""
        faulty, good = Faulty(ValueError("bad")), Witness()
        group = ObserverGroup([faulty, good])
        with capture_logs() as logs:
            for _ in range(2):
                await group.on_websocket_connected(CTX, r.PeerEvent(PEER))
            await group.on_mailbox_backpressure(CTX, r.BackpressureEvent(7, 1))
            await settle()
        assert [(log["hook"], log["panic"]) for log in logs] == [("on_websocket_connected", "bad")] * 2
        assert (faulty.seen, good.seen) == (["7"], ["connected", "connected", "7"])

    async def test_a_lifecycle_hook_waits_for_all_and_comes_behind_what_is_queued(self) -> None:
        """Stopping an observer is the last it hears, and its hooks never overlap."""
        slow, quick = Witness(), Witness()
        slow.gate.clear()
        group = ObserverGroup([slow, quick])
        await group.on_start(CTX)
        await group.on_websocket_connected(CTX, r.PeerEvent(PEER))
        stopping = asyncio.ensure_future(group.on_stop(CTX))
        await settle()
        assert (slow.seen, quick.seen) == (["start"], ["start", "connected", "stop"])
        assert not stopping.done()
        slow.gate.set()
        await asyncio.wait_for(stopping, 5)
        assert slow.seen == ["start", "connected", "stop"]

    async def test_one_members_error_comes_out_unchanged(self) -> None:
        """After every other member has run."""
        error, good = ActrError("unavailable", "no route"), Witness()
        with pytest.raises(ActrError) as raised:
            await ObserverGroup([Faulty(error), good]).on_start(CTX)
        assert raised.value is error
        assert good.seen == ["start"]

    async def test_errors_of_several_members_become_one(self) -> None:
        """A panic among them counts as the error it becomes; the single errors are its cause."""
        group = ObserverGroup(
            [Faulty(ActrError("unavailable", "no route")), Witness(), Faulty(ValueError("bad"))]
        )
        with pytest.raises(ActrError) as raised:
            await group.on_start(CTX)
        assert raised.value.kind == "internal"
        assert raised.value.message == (
            "2 observers failed: Faulty: unavailable: no route; Faulty: internal: on_start panicked: bad"
        )
        assert isinstance(raised.value.__cause__, ExceptionGroup)

    async def test_errors_of_one_kind_keep_it(self) -> None:
        """Who asks for the kind is told what is true of all."""
        members = [Faulty(ActrError("unavailable", text)) for text in "ab"]
        with pytest.raises(ActrError) as raised:
            await ObserverGroup(members).on_start(CTX)
        assert raised.value.kind == "unavailable"

    async def test_a_group_in_a_callback_serves_each_member_on_its_own(self) -> None:
        """A member that hangs in on_error, which is fallible, does not hold the others either."""

        class Hanging(WorkloadHookObserver):
            async def on_error(self, ctx: RuntimeContext, event: r.ErrorEvent) -> None:  # noqa: ARG002
                await asyncio.sleep(3600)

        async def ctx_builder() -> RuntimeContext | None:
            return CTX

        good = Witness()
        callback = build_hook_callback(ObserverGroup([Hanging(), good]), ctx_builder)
        await callback(r.DataStreamDeliveryUncertain("s", 1, "r"))
        await callback(r.MailboxBackpressure(7, 1))
        await settle()
        assert good.seen == ["7"]

    async def test_an_empty_group_is_an_observer_too(self) -> None:
        """Nobody is called, nobody fails."""
        group = ObserverGroup([])
        await group.on_start(CTX)
        await group.on_signaling_connected(None)

    async def test_a_hook_cannot_wait_for_itself(self) -> None:
        """A lifecycle hook awaited from a member's own hook would: it is refused, not hung."""
        refused: list[BaseException] = []

        class Reentrant(WorkloadHookObserver):
            async def on_signaling_connected(self, ctx: RuntimeContext | None) -> None:  # noqa: ARG002
                try:
                    await group.on_error(CTX, ERROR)
                except ActrError as error:
                    refused.append(error)

        group = ObserverGroup([Reentrant()])
        await group.on_signaling_connected(None)
        await settle()
        assert [str(error) for error in refused] == [
            "unavailable: on_error would wait for the hook that called it"
        ]


class TestQueue:
    async def test_a_hung_observer_costs_bounded_memory_and_one_line(self) -> None:
        """The oldest waiting hooks give way, are counted, and the first of them is logged."""
        member = Witness()
        member.gate.clear()
        group = ObserverGroup([member], waiting_limit=3)
        with capture_logs() as logs:
            await group.on_websocket_connected(CTX, r.PeerEvent(PEER))
            for n in range(10):
                await group.on_mailbox_backpressure(CTX, r.BackpressureEvent(n, 1))
            assert group.dropped == 7
            member.gate.set()
            await settle()
        assert member.seen == ["connected", "7", "8", "9"]
        assert logs == [
            {
                "event": "observer falls behind; dropping its oldest events",
                "log_level": "warning",
                "observer": "Witness",
                "waiting": 3,
                "dropped": 1,
                "hook": "on_mailbox_backpressure",
            }
        ]

    async def test_another_episode_is_another_line(self) -> None:
        """An episode ends when nothing waits any more."""
        member = Witness()
        group = ObserverGroup([member], waiting_limit=1)
        with capture_logs() as logs:
            for _ in range(2):
                member.gate.clear()
                for _ in range(4):
                    await group.on_websocket_connected(CTX, r.PeerEvent(PEER))
                await settle()
                member.gate.set()
                await settle()
        assert [log["dropped"] for log in logs] == [1, 3]

    async def test_a_dropped_lifecycle_hook_is_an_error_to_who_waits_for_it(self) -> None:
        """Nobody waits for ever."""
        member = Witness()
        member.gate.clear()
        group = ObserverGroup([member], waiting_limit=1)
        await group.on_websocket_connected(CTX, r.PeerEvent(PEER))
        await settle()
        stopping = asyncio.ensure_future(group.on_stop(CTX))
        await settle()
        with capture_logs():
            await group.on_mailbox_backpressure(CTX, r.BackpressureEvent(1, 1))
        with pytest.raises(ActrError, match="unavailable: on_stop was dropped from the queue"):
            await stopping
        member.gate.set()
        await settle()

    async def test_a_caller_that_stops_waiting_leaves_the_hook_its_turn(self) -> None:
        """Cancelling who waits for on_stop does not cancel on_stop."""
        member = Witness()
        member.gate.clear()
        group = ObserverGroup([member])
        await group.on_websocket_connected(CTX, r.PeerEvent(PEER))
        stopping = asyncio.ensure_future(group.on_stop(CTX))
        await settle()
        stopping.cancel()
        await settle()
        assert stopping.cancelled()
        member.gate.set()
        await settle()
        assert member.seen == ["connected", "stop"]

    def test_a_loop_that_shuts_down_takes_the_queue_with_it(self) -> None:
        """The hook that runs is cancelled, what waits is dropped, and nothing is left behind."""
        member_queue: list[HookQueue] = []

        async def main() -> None:
            queue = HookQueue("test")
            member_queue.append(queue)
            for _ in range(5):
                queue.put("on_test", lambda: asyncio.sleep(3600))
            await asyncio.sleep(0)

        with capture_logs() as logs:
            asyncio.run(main())
        gc.collect()
        assert member_queue[0].dropped == 4
        assert logs == []

    async def test_a_hook_that_cancels_itself_stops_only_itself(self) -> None:
        """It raises CancelledError, though nobody asked it to: the next hook runs."""
        done: list[int] = []

        async def cancels() -> None:
            raise asyncio.CancelledError

        async def works() -> None:
            done.append(1)

        queue = HookQueue("test")
        queue.put("on_test", cancels)
        queue.put("on_test", works)
        await settle()
        assert done == [1]

    async def test_a_cancelled_lifecycle_hook_ends_who_waits_for_it(self) -> None:
        """As a cancellation, which is what it was."""

        async def cancels() -> None:
            raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await HookQueue("test").run("on_stop", cancels)

    async def test_ten_thousand_events_arrive_in_order(self) -> None:
        """None is lost or overtaken while the observer keeps up."""
        member = Witness()
        group = ObserverGroup([member])
        for n in range(10_000):
            await group.on_mailbox_backpressure(CTX, r.BackpressureEvent(n, 1))
            if n % 500 == 499:
                await group.on_stop(CTX)
        assert [seen for seen in member.seen if seen != "stop"] == [str(n) for n in range(10_000)]

    async def test_a_lifecycle_hook_cancelled_before_it_began_ends_who_waits_for_it(self) -> None:
        """Its task never ran, so only the queue can tell."""
        queue = HookQueue("test")
        waiting = asyncio.ensure_future(queue.run("on_stop", lambda: asyncio.sleep(3600)))
        await asyncio.sleep(0)
        (task,) = (task for task in asyncio.all_tasks() if task.get_name() == "on_stop")
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(waiting, 5)

    async def test_hooks_that_would_wait_for_each_other_in_a_circle_are_refused(self) -> None:
        """Not only the hook that calls itself: also one that is called by the hook it calls."""
        refused: list[str] = []
        outer, inner = HookQueue("outer"), HookQueue("inner")

        async def first() -> None:
            await inner.run("on_stop", second)

        async def second() -> None:
            try:
                await outer.run("on_error", first)
            except ActrError as error:
                refused.append(str(error))

        await asyncio.wait_for(outer.run("on_start", first), 5)
        assert refused == ["unavailable: on_error would wait for the hook that called it"]
