"""The hook plumbing: what the tests of actr-hyper's plumbing say of it, and what Python adds to it."""

from __future__ import annotations

import asyncio
import contextvars
import gc
from typing import Any

import pytest
from structlog.testing import capture_logs

from wasmhost.contract import records as r
from wasmhost.contract.records import ActrError, ActrId, ActrType, PeerStatus, Realm, RuntimeContext
from wasmhost.observer import WorkloadHookObserver
from wasmhost.plumbing import (
    build_hook_callback,
    call_lifecycle_hook,
    log_hook_event,
    panic_info,
    spawn_hook,
)

EXPIRY = 1_725_000_000_000_000_000


def actr(serial: int) -> ActrId:
    """Make an identity."""
    return ActrId(Realm(1), serial, ActrType("acme", "node", "1.0.0"))


CTX = RuntimeContext(actr(1), None, "hook-test")


async def with_ctx() -> RuntimeContext | None:
    """Build the context of a node that has an identity."""
    return CTX


async def without_ctx() -> RuntimeContext | None:
    """Build the context of a node that has none yet."""
    return None


class Recorder(WorkloadHookObserver):
    """Puts every hook it is handed into a queue: name, context, payload."""

    def __init__(self) -> None:
        self.seen: asyncio.Queue[tuple[str, RuntimeContext | None, object]] = asyncio.Queue()

    async def next(self) -> tuple[str, RuntimeContext | None, object]:
        """Wait for the next hook."""
        return await asyncio.wait_for(self.seen.get(), 5)

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("on_"):
            return super().__getattribute__(name)

        async def record(ctx: RuntimeContext | None, event: object = None) -> None:
            self.seen.put_nowait((name, ctx, event))

        return record


async def settle() -> None:
    """Let everything that is ready run."""
    for _ in range(10):
        await asyncio.sleep(0)


class TestSpawnHook:
    async def test_a_panic_is_isolated_and_logged(self) -> None:
        """One record at error level names hook and panic; the task ends as if nothing had been."""

        async def hook() -> None:
            raise ValueError("intentional")

        with capture_logs() as logs:
            await spawn_hook("on_test", hook())
        assert logs == [
            {
                "event": "workload hook panicked; isolated",
                "log_level": "error",
                "hook": "on_test",
                "panic": "intentional",
            }
        ]

    async def test_a_clean_hook_runs(self) -> None:
        """Detached: it has not begun when spawn_hook returns, and leaves no record."""
        done = asyncio.Event()

        async def hook() -> None:
            done.set()

        with capture_logs() as logs:
            task = spawn_hook("on_test", hook())
            assert not done.is_set()
            await asyncio.wait_for(done.wait(), 5)
            await task
        assert logs == []

    async def test_the_task_needs_no_one_to_hold_it(self) -> None:
        """The event loop keeps weak references only; a collection must not end a hook that waits."""
        begin, done = asyncio.Event(), asyncio.Event()

        async def hook() -> None:
            await begin.wait()
            done.set()

        spawn_hook("on_test", hook())
        await settle()
        gc.collect()
        begin.set()
        await asyncio.wait_for(done.wait(), 5)

    async def test_cancellation_is_not_swallowed(self) -> None:
        """A cancelled hook is cancelled, and nobody calls that a panic."""
        with capture_logs() as logs:
            task = spawn_hook("on_test", asyncio.sleep(3600))
            await settle()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert logs == []

    async def test_a_hook_cancelled_before_it_began_leaves_nothing_behind(self) -> None:
        """Its coroutine is closed: "never awaited" is a warning, and warnings are errors here."""
        task = spawn_hook("on_test", asyncio.sleep(3600))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await settle()
        gc.collect()

    @pytest.mark.parametrize("leaving", [SystemExit, KeyboardInterrupt])
    def test_leaving_the_interpreter_is_not_swallowed(self, leaving: type[BaseException]) -> None:
        """It stops the loop, as it does from any task."""

        async def hook() -> None:
            raise leaving

        async def main() -> None:
            spawn_hook("on_test", hook())
            await asyncio.sleep(3600)

        with capture_logs() as logs, pytest.raises(leaving):
            asyncio.run(main())
        assert logs == []

    async def test_groups_and_base_exceptions_are_panics_too(self) -> None:
        """Unless a cancellation or an exit is inside of the group."""

        class RustPanic(BaseException):
            """As extension modules written in Rust raise."""

        async def hook(error: BaseException) -> None:
            raise error

        panics = [
            ExceptionGroup("several", [ValueError("a")]),
            BaseExceptionGroup("mixed", [ValueError("a"), RustPanic("b")]),
            RustPanic("index out of bounds"),
        ]
        with capture_logs() as logs:
            for panic in panics:
                await spawn_hook("on_test", hook(panic))
        assert [log["panic"] for log in logs] == [
            "several (1 sub-exception)",
            "mixed (2 sub-exceptions)",
            "index out of bounds",
        ]
        with pytest.raises(BaseExceptionGroup):
            await spawn_hook(
                "on_test", hook(BaseExceptionGroup("", [ValueError(), asyncio.CancelledError()]))
            )


class TestCallLifecycleHook:
    async def test_the_hooks_own_error_comes_out_unchanged(self) -> None:
        """The very object the hook raised, of whatever kind."""
        error = ActrError("unavailable", "startup failed")

        async def hook() -> None:
            raise error

        with pytest.raises(ActrError) as raised:
            await call_lifecycle_hook("on_start", hook())
        assert raised.value is error

    async def test_a_panic_becomes_an_error_that_names_the_hook(self) -> None:
        """Of kind internal, with the panic as its cause."""

        async def hook() -> None:
            raise RuntimeError("startup panic")

        with pytest.raises(ActrError) as raised:
            await call_lifecycle_hook("on_start", hook())
        assert (raised.value.kind, raised.value.message) == ("internal", "on_start panicked: startup panic")
        assert isinstance(raised.value.__cause__, RuntimeError)

    async def test_a_hook_without_error_returns(self) -> None:
        """Inline: it has ended when the call returns."""
        done: list[int] = []

        async def hook() -> None:
            done.append(1)

        await call_lifecycle_hook("on_start", hook())
        assert done == [1]

    @pytest.mark.parametrize("leaving", [SystemExit, KeyboardInterrupt, asyncio.CancelledError])
    async def test_cancellation_and_exit_pass(self, leaving: type[BaseException]) -> None:
        """They are neither an error of the hook nor a panic."""

        async def hook() -> None:
            raise leaving

        # By hand and not as a task, which would stop the test's own loop.
        with pytest.raises(leaving):
            call_lifecycle_hook("on_start", hook()).send(None)


class TestPanicInfo:
    def test_it_is_the_exceptions_text_or_its_types_name(self) -> None:
        """An empty text says nothing; a type's name says a little."""
        assert panic_info(ValueError("bad")) == "bad"
        assert panic_info(ValueError()) == "ValueError"
        assert panic_info(KeyError("k")) == "'k'"

    @pytest.mark.parametrize("answer", [ValueError("again"), 5])
    def test_a_panic_that_cannot_speak(self, answer: object) -> None:
        """Its __str__ raises, or gives no text."""

        class MuteError(Exception):
            def __str__(self) -> str:
                if isinstance(answer, Exception):
                    raise answer
                return answer  # type: ignore[return-value]  # pyright: ignore[reportReturnType]

        assert panic_info(MuteError()) == "<non-string panic>"


CASES: list[tuple[r.HookEvent, str, object]] = [
    (r.SignalingConnectStart(3), "on_signaling_connecting", None),
    (r.SignalingConnected(), "on_signaling_connected", None),
    (r.SignalingDisconnected(), "on_signaling_disconnected", None),
    (
        r.WebRtcConnectStart(actr(2), PeerStatus.CONNECTING),
        "on_webrtc_connecting",
        r.PeerEvent(actr(2), None, PeerStatus.CONNECTING),
    ),
    (r.WebRtcConnected(actr(3), False), "on_webrtc_connected", r.PeerEvent(actr(3), False)),
    (r.WebRtcConnected(actr(3), True), "on_webrtc_connected", r.PeerEvent(actr(3), True)),
    (r.WebRtcDisconnected(actr(4)), "on_webrtc_disconnected", r.PeerEvent(actr(4))),
    (r.WebSocketConnectStart(actr(5)), "on_websocket_connecting", r.PeerEvent(actr(5))),
    (r.WebSocketConnected(actr(6)), "on_websocket_connected", r.PeerEvent(actr(6))),
    (r.WebSocketDisconnected(actr(7)), "on_websocket_disconnected", r.PeerEvent(actr(7))),
    (r.CredentialRenewed(EXPIRY), "on_credential_renewed", r.CredentialEvent(EXPIRY)),
    (r.CredentialExpiring(EXPIRY), "on_credential_expiring", r.CredentialEvent(EXPIRY)),
    (r.MailboxBackpressure(9, 4), "on_mailbox_backpressure", r.BackpressureEvent(9, 4)),
    (
        r.DataStreamDeliveryUncertain("mobile-upload", 99, "data channel closed"),
        "on_error",
        r.ErrorEvent(
            r.ErrorSource("unavailable", "data stream delivery uncertain after WebRTC disconnect"),
            r.ErrorCategory.DATA_STREAM_DELIVERY_UNCERTAIN,
            "stream_id=mobile-upload; session_id=99; reason=data channel closed",
            77,
            r.StreamInfo("mobile-upload", 99, "data channel closed"),
        ),
    ),
]
EARLY = ("on_signaling_connecting", "on_signaling_connected")


class TestHookCallback:
    @pytest.mark.parametrize(("event", "hook", "payload"), CASES)
    async def test_an_event_reaches_exactly_its_hook_with_its_payload(
        self, event: r.HookEvent, hook: str, payload: object
    ) -> None:
        """Once, with the context that was built for it."""
        observer = Recorder()
        await build_hook_callback(observer, with_ctx, clock=lambda: 77)(event)
        assert await observer.next() == (hook, CTX, payload)
        await settle()
        assert observer.seen.empty()

    @pytest.mark.parametrize(("event", "hook", "_payload"), CASES)
    async def test_without_a_context_only_the_early_signaling_hooks_are_delivered(
        self, event: r.HookEvent, hook: str, _payload: object
    ) -> None:
        """They get None; all others are skipped."""
        observer = Recorder()
        await build_hook_callback(observer, without_ctx)(event)
        await settle()
        if hook in EARLY:
            assert await observer.next() == (hook, None, None)
        assert observer.seen.empty()

    async def test_the_record_is_logged_first_and_the_hook_runs_detached(self) -> None:
        """Log, then context, then the return to the node, then the hook."""
        order: list[object] = []

        class Observer(WorkloadHookObserver):
            async def on_signaling_connected(self, ctx: RuntimeContext | None) -> None:  # noqa: ARG002
                order.append("hook")

        async def ctx_builder() -> RuntimeContext | None:
            order.append([log["event"] for log in logs])
            return CTX

        with capture_logs() as logs:
            await build_hook_callback(Observer(), ctx_builder)(r.SignalingConnected())
            order.append("returned")
            await settle()
        assert order == [["signaling connected"], "returned", "hook"]

    async def test_without_an_observer_the_event_is_logged_and_the_context_built(self) -> None:
        """Who looks at the log sees every event; the builder runs for each."""
        built: list[int] = []

        async def ctx_builder() -> RuntimeContext | None:
            built.append(1)
            return CTX

        callback = build_hook_callback(None, ctx_builder)
        with capture_logs() as logs:
            for event, _hook, _payload in CASES:
                await callback(event)
        assert len(built) == len(logs) == len(CASES)

    @pytest.mark.parametrize("observed", [True, False])
    async def test_a_context_builder_that_raises_is_isolated(self, observed: bool) -> None:
        """Logged like a hook that panics; that event is not delivered, the next one is."""
        answers: list[BaseException | None] = [RuntimeError("no context"), None]

        async def ctx_builder() -> RuntimeContext | None:
            answer = answers.pop(0)
            if answer is not None:
                raise answer
            return CTX

        observer = Recorder()
        callback = build_hook_callback(observer if observed else None, ctx_builder)
        with capture_logs() as logs:
            await callback(r.WebSocketConnected(actr(1)))
            await callback(r.WebSocketDisconnected(actr(1)))
            await settle()
        assert logs[1] == {
            "event": "workload hook panicked; isolated",
            "log_level": "error",
            "hook": "on_websocket_connected",
            "panic": "no context",
        }
        assert [log["event"] for log in logs[2:]] == ["websocket disconnected"]
        if observed:
            assert (await observer.next())[0] == "on_websocket_disconnected"
        assert observer.seen.empty()

    async def test_a_builder_that_is_no_coroutine_function_is_isolated_as_well(self) -> None:
        """It raises when it is called, not when it is awaited."""

        def ctx_builder() -> Any:
            raise RuntimeError("at once")

        with capture_logs() as logs:
            await build_hook_callback(Recorder(), ctx_builder)(r.SignalingConnected())
        assert logs[1]["panic"] == "at once"

    async def test_an_error_that_on_error_returns_is_logged_at_warn(self) -> None:
        """It is no panic; nobody waits for it."""

        class Observer(WorkloadHookObserver):
            async def on_error(self, ctx: RuntimeContext, event: r.ErrorEvent) -> None:  # noqa: ARG002
                raise ActrError("internal", "cannot cope")

        with capture_logs() as logs:
            await build_hook_callback(Observer(), with_ctx)(r.DataStreamDeliveryUncertain("s", 1, "r"))
            await settle()
        assert logs[1:] == [
            {
                "event": "workload on_error returned Err",
                "log_level": "warning",
                "error": "internal: cannot cope",
            }
        ]

    async def test_an_actr_error_from_an_infallible_hook_is_a_panic(self) -> None:
        """Only the four lifecycle hooks have a result to return."""

        class Observer(WorkloadHookObserver):
            async def on_signaling_connected(self, ctx: RuntimeContext | None) -> None:  # noqa: ARG002
                raise ActrError("internal", "misplaced")

        with capture_logs() as logs:
            await build_hook_callback(Observer(), with_ctx)(r.SignalingConnected())
            await settle()
        assert (logs[1]["event"], logs[1]["panic"]) == (
            "workload hook panicked; isolated",
            "internal: misplaced",
        )

    async def test_events_arrive_in_order_and_one_at_a_time(self) -> None:
        """A slow hook delays the next one's start, never the node; a panic between them changes nothing."""
        log: list[str] = []
        release = asyncio.Event()

        class Observer(WorkloadHookObserver):
            async def on_websocket_connected(self, ctx: RuntimeContext, event: r.PeerEvent) -> None:  # noqa: ARG002
                log.append(f"begin {event.peer.serial_number}")
                await release.wait()
                log.append(f"end {event.peer.serial_number}")
                if event.peer.serial_number == 2:
                    raise ValueError

        callback = build_hook_callback(Observer(), with_ctx)
        for serial in (1, 2, 3):
            await callback(r.WebSocketConnected(actr(serial)))
        await settle()
        assert log == ["begin 1"]
        release.set()
        for _ in range(5):
            await settle()
        assert log == ["begin 1", "end 1", "begin 2", "end 2", "begin 3", "end 3"]

    async def test_the_order_is_that_of_the_calls_whichever_context_is_ready_first(self) -> None:
        """Three calls wait for their contexts at once, and get them last to first."""
        contexts: list[asyncio.Future[RuntimeContext | None]] = []

        async def ctx_builder() -> RuntimeContext | None:
            contexts.append(asyncio.get_running_loop().create_future())
            return await contexts[-1]

        observer = Recorder()
        callback = build_hook_callback(observer, ctx_builder)
        calls = [asyncio.ensure_future(callback(r.MailboxBackpressure(n, 1))) for n in range(4)]
        await settle()
        calls[1].cancel()  # gives up its place, and holds nobody back
        for context in reversed(contexts):
            if not context.done():
                context.set_result(CTX)
            await settle()
        await asyncio.wait(calls)
        seen = [(await observer.next())[2] for _ in range(3)]
        assert seen == [r.BackpressureEvent(n, 1) for n in (0, 2, 3)]

    async def test_a_context_builder_may_emit_an_event_itself(self) -> None:
        """The inner event waits for the outer one's place, not the outer one for the inner."""
        observer = Recorder()
        depth: list[int] = []

        async def ctx_builder() -> RuntimeContext | None:
            if not depth:
                depth.append(1)
                await callback(r.CredentialRenewed(2))
            return CTX

        callback = build_hook_callback(observer, ctx_builder)
        await asyncio.wait_for(callback(r.CredentialRenewed(1)), 5)
        assert [(await observer.next())[2] for _ in range(2)] == [r.CredentialEvent(1), r.CredentialEvent(2)]

    async def test_a_hook_sees_the_context_variables_of_its_own_emitter(self) -> None:
        """Not those of the event it waited behind."""
        request: contextvars.ContextVar[str] = contextvars.ContextVar("request")
        seen: list[str] = []

        class Observer(WorkloadHookObserver):
            async def on_signaling_connected(self, ctx: RuntimeContext | None) -> None:  # noqa: ARG002
                await asyncio.sleep(0)
                seen.append(request.get())

        callback = build_hook_callback(Observer(), with_ctx)
        for name in ("first", "second"):
            request.set(name)
            await callback(r.SignalingConnected())
        await settle()
        assert seen == ["first", "second"]

    async def test_what_is_no_event_is_the_callers_fault(self) -> None:
        """Nothing is logged or delivered for it."""
        with capture_logs() as logs, pytest.raises(TypeError, match="not a hook event: str"):
            await build_hook_callback(Recorder(), with_ctx)("hello")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        assert logs == []


PEER = "acme/node/1.0.0#2@1"


@pytest.mark.parametrize(
    ("event", "level", "record"),
    [
        (r.SignalingConnectStart(3), "debug", {"event": "signaling connecting", "attempt": 3}),
        (r.SignalingConnectStart(), "debug", {"event": "signaling connecting", "attempt": None}),
        (r.SignalingConnected(), "info", {"event": "signaling connected"}),
        (r.SignalingDisconnected(), "warning", {"event": "signaling disconnected"}),
        (r.WebRtcConnectStart(actr(2)), "debug", {"event": "webrtc connecting", "peer": PEER}),
        (
            r.WebRtcConnected(actr(2), True),
            "info",
            {"event": "webrtc connected", "peer": PEER, "relayed": True},
        ),
        (r.WebRtcDisconnected(actr(2)), "warning", {"event": "webrtc disconnected", "peer": PEER}),
        (
            r.DataStreamDeliveryUncertain("s", 9, "closed"),
            "warning",
            {
                "event": "data stream delivery uncertain",
                "stream_id": "s",
                "session_id": 9,
                "reason": "closed",
            },
        ),
        (r.WebSocketConnectStart(actr(2)), "debug", {"event": "websocket connecting", "peer": PEER}),
        (r.WebSocketConnected(actr(2)), "info", {"event": "websocket connected", "peer": PEER}),
        (r.WebSocketDisconnected(actr(2)), "warning", {"event": "websocket disconnected", "peer": PEER}),
        (r.CredentialRenewed(EXPIRY), "info", {"event": "credential renewed", "new_expiry": EXPIRY}),
        (
            r.CredentialExpiring(EXPIRY),
            "warning",
            {"event": "credential expiring soon", "new_expiry": EXPIRY},
        ),
        (
            r.MailboxBackpressure(9, 4),
            "warning",
            {"event": "mailbox backpressure", "queue_len": 9, "threshold": 4},
        ),
    ],
)
def test_the_default_record_of_each_event(event: r.HookEvent, level: str, record: dict[str, object]) -> None:
    """Level, message and fields; nothing else."""
    with capture_logs() as logs:
        log_hook_event(event)
    assert logs == [record | {"log_level": level}]
