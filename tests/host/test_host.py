"""The front door: what is emitted or fed reaches every observer that hears it, in order, and is counted."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cbor2
import pytest
from structlog.testing import capture_logs

import wasmhost
from tests.host.helpers import (
    ALL_HOOKS,
    CONNECTED,
    CTX,
    FAST,
    PEER,
    REPORT_EVENT,
    REPORT_LOST,
    SPIN,
    TRAP,
    MemorySink,
    accounted,
    config,
    event,
    guest,
    quiet,
    recorder,
    threads,
    until,
)
from wasmhost import (
    HookEvent,
    Limits,
    ObserverHost,
    RejectedEvent,
    UserError,
    WebRtcConnected,
)
from wasmhost.contract.codec import encode_event
from wasmhost.contract.records import route
from wasmhost.contract.sequence import Splitter

if TYPE_CHECKING:
    from wasmhost.host.counters import ObserverSummary

pytestmark = pytest.mark.usefixtures("isolation")

TRACE = Path(wasmhost.__file__).parent / "demo" / "traces" / "actr-0.4.21-loopback.cborseq"
DIRECT = WebRtcConnected(PEER, relayed=False)

EVENTS: list[HookEvent] = [
    wasmhost.SignalingConnectStart(3),
    wasmhost.SignalingConnected(),
    wasmhost.SignalingDisconnected(),
    wasmhost.WebRtcConnectStart(PEER, wasmhost.PeerStatus.CONNECTING),
    wasmhost.WebRtcConnected(PEER, relayed=True),
    wasmhost.WebRtcDisconnected(PEER, wasmhost.PeerStatus.RECOVERING),
    wasmhost.DataStreamDeliveryUncertain("stream", 2**64 - 1, "gone"),
    wasmhost.WebSocketConnectStart(PEER),
    wasmhost.WebSocketConnected(PEER),
    wasmhost.WebSocketDisconnected(PEER),
    wasmhost.CredentialRenewed(10**18),
    wasmhost.CredentialExpiring(2 * 10**18),
    wasmhost.MailboxBackpressure(100, 50),
]


def by_name(host: ObserverHost) -> dict[str, ObserverSummary]:
    """Give the summary of each observer."""
    return {line.name: line for line in host.summary().observers}


async def test_all_thirteen_events_reach_a_guest_exactly_as_encoded(tmp_path: Path) -> None:
    """Byte for byte, numbered from 0, under the hook that each becomes."""
    sink = MemorySink()
    async with ObserverHost(config(tmp_path, {"all": recorder()}), sink=sink) as host:
        for number, emitted in enumerate(EVENTS):
            host.emit(emitted, CTX, at=1_000 + number)
    expected = [
        encode_event(hook, number, 1_000 + number, CTX, payload)
        for number, (hook, payload) in enumerate(route(e, 1_000 + n) for n, e in enumerate(EVENTS))
    ]
    assert [record.body for record in sink.records] == expected
    assert [(record.src, record.seq, record.at) for record in sink.records] == [
        ("local", number, 1_000 + number) for number in range(13)
    ]


async def test_without_a_context_only_the_two_early_hooks_are_delivered(tmp_path: Path) -> None:
    """The node has no identity yet; the others count as skipped."""
    sink = MemorySink()
    async with ObserverHost(config(tmp_path, {"all": recorder()}), sink=sink) as host:
        for emitted in EVENTS:
            host.emit(emitted)
    assert [body["hook"] for body in sink.bodies("all")] == [
        "on_signaling_connecting",
        "on_signaling_connected",
    ]
    assert all("ctx" not in body for body in sink.bodies("all"))
    (line,) = host.summary().observers
    assert (line.delivered, line.skipped) == (2, 11)


async def test_emitted_from_many_threads_events_keep_their_order_for_every_observer(tmp_path: Path) -> None:
    """The order of their numbers is the order of delivery, and nothing is lost."""
    sink = MemorySink()
    modules = {"a": recorder(CONNECTED), "b": recorder(CONNECTED), "c": quiet()}
    each, emitters = 400, 4
    async with ObserverHost(config(tmp_path, modules), sink=sink) as host:

        def emit(emitter: int) -> None:
            ctx = replace(CTX, request_id=str(emitter))
            for number in range(each):
                host.emit(DIRECT, ctx, at=number)

        await asyncio.gather(*(asyncio.to_thread(emit, index) for index in range(emitters)))
        await host.drain()
    for name in "ab":
        assert sink.seqs(name) == list(range(each * emitters))
        bodies = sink.bodies(name)
        for emitter in range(emitters):
            own = [body["at"] for body in bodies if body["ctx"]["request-id"] == str(emitter)]
            assert own == list(range(each))
    assert all(line.delivered == each * emitters for line in host.summary().observers)


async def test_for_every_observer_all_events_are_accounted_for(tmp_path: Path) -> None:
    """Delivered, panicked, skipped or dropped: whatever hooks it has, and whatever it does."""
    modules = {
        "one-hook": quiet("on_credential_renewed"),
        "all-hooks": recorder(),
        "traps": guest({CONNECTED: TRAP, "on_webrtc_disconnected": ""}),
        "quarantined": guest({CONNECTED: TRAP}),
        "small": quiet(*(hook for hook in ALL_HOOKS if hook.startswith("on_web"))),
    }
    special = {
        "quarantined": replace(FAST, quarantine=wasmhost.Quarantine(2, 60, 60)),
        "small": replace(FAST, mailbox=2),
    }
    async with ObserverHost(config(tmp_path, modules, special=special), sink=MemorySink()) as host:
        for number in range(300):
            host.emit(EVENTS[number % 13], CTX if number % 4 else None)
        await host.feed(event("on_something_new", 1))
        with pytest.raises(RejectedEvent):
            host.emit(wasmhost.CredentialRenewed(-1), CTX)
    summary = host.summary()
    assert summary.events == 301
    assert {line.name: accounted(line) for line in summary.observers} == dict.fromkeys(modules, 301)
    lines = by_name(host)
    assert lines["traps"].panics > 10
    assert lines["quarantined"].panics == 2
    assert lines["quarantined"].state == "quarantined"
    assert lines["quarantined"].quarantined == (CONNECTED,)
    assert lines["small"].dropped > 0


async def test_an_unknown_hook_is_accepted_and_skipped(tmp_path: Path) -> None:
    """Tomorrow's nodes speak of things we don't know."""
    async with ObserverHost(config(tmp_path, {"a": quiet()}), sink=MemorySink()) as host:
        await host.feed(event("on_teleported", 0))
    (line,) = host.summary().observers
    assert (host.summary().events, line.skipped) == (1, 1)


async def test_a_trap_costs_one_delivery_and_no_neighbour_anything(tmp_path: Path) -> None:
    """A fresh sandbox takes over; the neighbours hear all, in order."""
    count_to_three = (
        "(global.set $n (i32.add (global.get $n) (i32.const 1)))"
        "(if (i32.eq (global.get $n) (i32.const 3)) (then unreachable))" + REPORT_EVENT
    )
    sink = MemorySink()
    modules = {"before": recorder(CONNECTED), "bad": guest({CONNECTED: count_to_three})}
    async with ObserverHost(config(tmp_path, modules | {"after": recorder(CONNECTED)}), sink=sink) as host:
        for _ in range(30):
            host.emit(DIRECT, CTX)
    assert sink.seqs("before") == sink.seqs("after") == list(range(30))
    assert sink.seqs("bad") == [number for number in range(30) if number % 3 != 2]
    lines = by_name(host)
    assert (lines["bad"].delivered, lines["bad"].panics, lines["bad"].state) == (20, 10, "running")


async def test_of_ten_observers_with_one_that_spins_nine_hear_every_event(tmp_path: Path) -> None:
    """A hundred of them, in order, long before the spinner has had its share."""
    sink = MemorySink()
    modules = {f"good-{index}": recorder(CONNECTED) for index in range(9)}
    spinning = replace(FAST, limits=Limits(fuel=10**15, deadline_ms=30))
    settings = config(
        tmp_path, modules | {"spinner": guest({CONNECTED: SPIN})}, special={"spinner": spinning}, drain_s=0.1
    )
    async with ObserverHost(settings, sink=sink) as host:
        for _ in range(100):
            host.emit(DIRECT, CTX)
            await asyncio.sleep(0)
        await until(lambda: len(sink.records) == 900)
        assert by_name(host)["spinner"].panics < 50
    assert all(sink.seqs(name) == list(range(100)) for name in modules)
    spinner = by_name(host)["spinner"]
    assert spinner.panics > 0
    assert spinner.panics + spinner.dropped == 100


async def test_refused_modules_stand_in_the_summary_while_the_others_run(tmp_path: Path) -> None:
    """Each with its reason, in the order of the configuration."""
    modules = {
        "text": b"(module)",
        "good": quiet(),
        "empty": b"",
        "ungranted": guest({CONNECTED: REPORT_EVENT}),
        "starts-badly": guest({CONNECTED: ""}, extra='(func (export "_initialize") unreachable)'),
    }
    settings = config(tmp_path, modules, special={"ungranted": replace(FAST, grant=frozenset())})
    (tmp_path / "empty.wasm").unlink()
    with capture_logs() as log:
        async with ObserverHost(settings, sink=MemorySink()) as host:
            host.emit(DIRECT, CTX)
    lines = host.summary().observers
    assert [line.name for line in lines] == list(modules)
    assert [line.state for line in lines] == ["refused", "running", "refused", "refused", "refused"]
    reasons = [line.reason or "" for line in lines]
    assert "no WebAssembly binary" in reasons[0]
    assert "cannot be read" in reasons[2]
    assert '"report" is not granted' in reasons[3]
    assert "_initialize trapped" in reasons[4]
    assert lines[1].delivered == 1
    assert [line["observer"] for line in log if line["event"] == "observer refused"] == [
        "text",
        "empty",
        "ungranted",
        "starts-badly",
    ]


@pytest.mark.threads_only
async def test_what_overflows_is_dropped_counted_and_told_to_the_guest(tmp_path: Path) -> None:
    """The oldest go by default; the guest learns how many, as it does of gaps in a source."""
    sink = MemorySink()
    gate = threading.Event()
    settings = config(tmp_path, {"a": guest({CONNECTED: REPORT_LOST})}, replace(FAST, mailbox=5))
    async with ObserverHost(settings, sink=sink) as host:
        post = host._dispatcher.posts[0]
        serve = post.runner._serve  # type: ignore[attr-defined]

        def held(letter: object) -> None:
            gate.wait(5)
            serve(letter)

        post.runner._serve = held  # type: ignore[attr-defined]
        host.emit(DIRECT, CTX)
        await until(lambda: post.runner.mailbox.waiting == 0)
        for _ in range(12):
            host.emit(DIRECT, CTX)
        gate.set()
        await host.drain()
        await host.feed(event(seq=1, src="node"))
        await host.feed(event(seq=5, src="node"))
    assert sink.seqs("a") == [0, 8, 9, 10, 11, 12, 1, 5]
    assert sink.bodies("a") == [0, 7, 0, 0, 0, 0, 0, 3]
    (line,) = host.summary().observers
    assert (line.delivered, line.dropped, accounted(line)) == (8, 7, 15)


async def test_what_is_lost_before_an_event_in_quarantine_is_told_later(tmp_path: Path) -> None:
    """A gap concerns the observer, whatever becomes of the event behind it."""
    sink = MemorySink()
    module = guest({CONNECTED: TRAP, "on_webrtc_disconnected": REPORT_LOST})
    rule = wasmhost.Quarantine(panics=1, within=1000, probe=1000)
    settings = config(tmp_path, {"a": module}, replace(FAST, quarantine=rule))
    async with ObserverHost(settings, sink=sink, lossless=True) as host:
        await host.feed(event(seq=0))  # the trap
        await host.feed(event(seq=4))  # 3 lost, and skipped
        await host.feed(event("on_webrtc_disconnected", seq=6))  # 1 lost
    assert sink.bodies("a") == [4]
    (line,) = host.summary().observers
    assert (line.panics, line.skipped, line.delivered) == (1, 1, 1)


async def test_the_real_trace_is_fed_and_all_sixteen_hooks_are_heard(tmp_path: Path) -> None:
    """Every event reaches the hook it is for, as it came, once and in order."""
    trace = TRACE.read_bytes()
    items = [item.data or b"" for item in Splitter().push(trace)]
    sink = MemorySink()
    modules = {"all": recorder(), "one": recorder("on_credential_expiring")}
    async with ObserverHost(config(tmp_path, modules), sink=sink, lossless=True) as host:
        for item in items:
            await host.feed(item, src="trace")
    assert len(items) == 65
    events: list[dict[str, Any]] = [cbor2.loads(item) for item in items]
    assert {body["hook"] for body in events} == set(ALL_HOOKS)
    assert [record.body for record in sink.records if record.observer == "all"] == items
    expiring = [body["seq"] for body in events if body["hook"] == "on_credential_expiring"]
    assert sink.seqs("one") == expiring
    assert {record.src for record in sink.records} == {events[0].get("src", "trace")}
    assert all(accounted(line) == 65 for line in host.summary().observers)


async def test_a_lossless_run_drops_nothing_however_small_the_mailboxes(tmp_path: Path) -> None:
    """Feeding waits for the slowest; several feeders at once do too."""
    sink = MemorySink()
    slow = "(call $burn (i64.const 100000))" + REPORT_EVENT
    modules = {
        "slow": guest({CONNECTED: slow}),
        "quick": recorder(CONNECTED),
        "slow-too": guest({CONNECTED: slow}),
    }
    settings = config(tmp_path, modules, replace(FAST, mailbox=2))
    async with ObserverHost(settings, sink=sink, lossless=True) as host:

        async def feed(src: str) -> None:
            for number in range(40):
                await host.feed(event(seq=number, src=src))

        async with asyncio.timeout(20):
            await asyncio.gather(*(feed(src) for src in "xyz"))
    for line in host.summary().observers:
        assert (line.delivered, line.dropped) == (120, 0)
    for name in modules:
        for src in "xyz":
            own = [r.seq for r in sink.records if r.observer == name and r.src == src]
            assert own == list(range(40))


async def test_the_same_file_gives_the_same_counts_each_time(tmp_path: Path) -> None:
    """Quarantine and its probes are counted in events there, and nothing waits."""
    module = guest({CONNECTED: TRAP, "on_webrtc_disconnected": ""})
    rule = wasmhost.Quarantine(panics=3, within=20, probe=10)
    found = []
    for _ in range(2):
        settings = config(tmp_path, {"a": module}, replace(FAST, quarantine=rule, backoff_ms=(1000, 1000)))
        async with ObserverHost(settings, sink=MemorySink(), lossless=True) as host:
            for number in range(100):
                await host.feed(event(CONNECTED if number % 2 else "on_webrtc_disconnected", number))
        found.append(host.summary())
    assert found[0] == found[1]
    (line,) = found[0].observers
    assert (line.delivered, line.panics, line.skipped) == (50, 12, 38)


async def test_an_event_that_breaks_the_contract_is_refused_at_the_door(tmp_path: Path) -> None:
    """Nobody hears of it, and it counts as no event."""
    async with ObserverHost(config(tmp_path, {"a": quiet()}), sink=MemorySink()) as host:
        with pytest.raises(RejectedEvent):
            await host.feed(event(at=-1))
        with capture_logs() as log:
            host.reject("node", 7, "nonsense")
    assert (host.summary().events, host.summary().rejected) == (0, 1)
    assert log == [
        {
            "event": "event rejected",
            "source": "node",
            "offset": 7,
            "reason": "nonsense",
            "log_level": "warning",
        }
    ]


async def test_a_flood_of_nonsense_is_counted_and_seldom_named(tmp_path: Path) -> None:
    """A thousand rejected items are a hundred and a few lines, and the count is exact."""
    async with ObserverHost(config(tmp_path, {"a": quiet()}), sink=MemorySink()) as host:
        with capture_logs() as log:
            for offset in range(1000):
                host.reject("node", offset, "nonsense")
    assert host.summary().rejected == 1000
    named = [line["offset"] + 1 for line in log if line["event"] == "event rejected"]
    assert named == [*range(1, 101), 128, 256, 512]
    assert [line["rejected"] for line in log if line["event"].startswith("many events")] == [100]


async def test_it_works_without_a_database_and_without_observers(tmp_path: Path) -> None:
    """And without a configuration of any kind but that."""
    async with ObserverHost(config(tmp_path, {}), sink=MemorySink()) as host:
        host.emit(DIRECT, CTX)
        await host.on_start(CTX)
        assert threads() == set()
    assert host.summary().events == 2
    assert host.panics.rows() == []


async def test_state_outlives_the_host(tmp_path: Path) -> None:
    """A guest is given back what it saved, from the same database, by a new host."""
    load = (
        "(call $load (i32.const 0))"
        "(if (i32.load8_u (i32.const 0)) (then (call $report (i32.const 16) (i32.const 4)"
        " (i32.load (i32.const 4)) (i32.load (i32.const 8)))))"
        "(call $save (i32.const 16) (i32.const 3))"
    )
    module = guest({CONNECTED: load}, text="\\62ok!")
    settings = config(
        tmp_path, {"a": module}, replace(FAST, grant=FAST.grant | {"state"}), db=tmp_path / "state.db"
    )
    found = []
    for _ in range(2):
        sink = MemorySink()
        async with ObserverHost(settings, sink=sink) as host:
            host.emit(DIRECT, CTX)
        found.append(sink.bodies("a"))
        assert host.failures == []
    assert found == [[], ["ok"]]


async def test_panics_are_in_the_log_with_what_led_to_them(tmp_path: Path) -> None:
    """Kind, hook, number; equal ones in one row."""
    module = guest({CONNECTED: "(call $panic (i32.const 16) (i32.const 4)) unreachable"}, text="ouch")
    settings = config(tmp_path, {"a": module}, db=tmp_path / "panics.db")
    async with ObserverHost(settings, sink=MemorySink()) as host:
        for _ in range(20):
            host.emit(DIRECT, CTX)
        await host.drain()
        (row,) = await asyncio.to_thread(host.panics.rows)
    assert (row.observer, row.hook, row.kind, row.message) == ("a", CONNECTED, "unreachable", "ouch")
    assert (row.count, row.seq, row.fuel_budget) == (20, 19, Limits().fuel)


async def test_a_host_that_is_not_open_takes_nothing(tmp_path: Path) -> None:
    """Before, after, or a second time: one clear error."""
    host = ObserverHost(config(tmp_path, {"a": quiet()}), sink=MemorySink())
    with pytest.raises(UserError, match="not open"):
        host.emit(DIRECT, CTX)
    async with host:
        host.emit(DIRECT, CTX)
    with pytest.raises(UserError, match="closed"):
        host.emit(DIRECT, CTX)
    with pytest.raises(UserError, match="closed"):
        host.emit_hook("on_signaling_connected", CTX)
    with pytest.raises(UserError, match="closed"):
        await host.on_start(CTX)
    with pytest.raises(UserError, match="closed"):
        await host.feed(event())
    with pytest.raises(UserError, match="once"):
        async with host:
            pass
    assert host.summary().events == 1


async def test_the_summary_can_be_asked_for_at_any_time(tmp_path: Path) -> None:
    """Also while others emit, workers count, and hooks go into quarantine."""
    rule = wasmhost.Quarantine(panics=1, within=1000, probe=0.0001)
    modules = {"good": quiet(*ALL_HOOKS), "bad": guest({CONNECTED: TRAP, "on_webrtc_connecting": TRAP})}
    async with ObserverHost(
        config(tmp_path, modules, replace(FAST, quarantine=rule)), sink=MemorySink()
    ) as host:
        stop = threading.Event()

        def emit() -> None:
            while not stop.is_set():
                for emitted in EVENTS:
                    host.emit(emitted, CTX)

        emitter = threading.Thread(target=emit)
        emitter.start()
        try:
            for _ in range(200):
                host.summary()
                await asyncio.sleep(0)
        finally:
            stop.set()
            emitter.join()
    assert all(accounted(line) == host.summary().events for line in host.summary().observers)


async def test_a_deep_recursion_is_a_trap_whatever_the_stack_sizes(tmp_path: Path) -> None:
    """Workers have room for the largest stack that any observer asks for."""
    deep = guest({CONNECTED: "(call $deep)"}, extra="(func $deep (call $deep))")
    special = {
        "small": replace(FAST, limits=Limits(stack_kib=64)),
        "large": replace(FAST, limits=Limits(stack_kib=1024)),
    }
    async with ObserverHost(
        config(tmp_path, {"small": deep, "large": deep}, special=special), sink=MemorySink()
    ) as host:
        for _ in range(3):
            host.emit(DIRECT, CTX)
    assert [(line.panics, line.delivered) for line in host.summary().observers] == [(3, 0), (3, 0)]
    assert {row.kind for row in host.panics.rows()} == {"stack_overflow"}
