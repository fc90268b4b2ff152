"""A host that goes over to another configuration while events flow: none is lost, and nobody else notices."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.host.helpers import (
    CONNECTED,
    CTX,
    FAST,
    IN_MEMORY,
    IN_STATE,
    IN_STATE_TENFOLD,
    PEER,
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
    until,
)
from wasmhost import (
    HostConfig,
    Limits,
    ObserverHost,
    PeerEvent,
    RuntimeContext,
    UserError,
    WebRtcConnected,
    WebRtcConnectStart,
    WorkloadHookObserver,
)
from wasmhost.errors import WallError
from wasmhost.grants.usage import Used, read_usage
from wasmhost.host.reload import Reload

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wasmhost.config import ObserverConfig
    from wasmhost.host.counters import Counters, ObserverSummary
    from wasmhost.host.quarters import Place

pytestmark = pytest.mark.usefixtures("isolation")

UP = WebRtcConnected(PEER, relayed=False)
START = WebRtcConnectStart(PEER)
STATEFUL = replace(FAST, grant=FAST.grant | {"state"})


def line_of(host: ObserverHost, name: str) -> ObserverSummary:
    """Return an observer's line in the summary."""
    return next(line for line in host.summary().observers if line.name == name)


@contextmanager
def emitting(host: ObserverHost) -> Iterator[list[int]]:
    """Emit all the time, from another thread; gives how many it were, in the end."""
    over = threading.Event()
    total = [0]

    def emit() -> None:
        while not over.is_set():
            for _ in range(10):
                host.emit(UP, CTX)
            total[0] += 10
            time.sleep(0.001)

    thread = threading.Thread(target=emit)
    thread.start()
    try:
        yield total
    finally:
        over.set()
        thread.join()


async def test_one_that_is_replaced_loses_no_event_and_keeps_its_state(tmp_path: Path) -> None:
    """What waits for the old one the new one gets, and it begins with the state that the old one left."""
    sink = MemorySink()
    modules = {"other": IN_MEMORY, "one": IN_STATE}
    old = config(tmp_path, modules, STATEFUL)
    async with ObserverHost(old, sink=sink) as host:
        with emitting(host) as total:
            await until(lambda: len(sink.bodies("one")) > 50)
            done = await host.reload(config(tmp_path, {**modules, "one": IN_STATE_TENFOLD}, STATEFUL))
            assert done == Reload(replaced=("one",))
            tenfold = len(sink.bodies("one"))
            await until(lambda: len(sink.bodies("one")) > tenfold + 50)
        await host.drain()
    counted = sink.bodies("one")
    assert len(counted) == total[0]
    before = next(at for at, number in enumerate(counted) if number != at + 1)
    assert 50 < before < total[0] - 50
    assert counted[before:] == [10 * (at + 1) for at in range(before, total[0])]
    assert sink.bodies("other") == list(range(1, total[0] + 1)), "one sandbox all the time"
    for name in modules:
        assert line_of(host, name).delivered == accounted(line_of(host, name)) == host.summary().events


async def test_observers_come_and_go_while_events_flow(tmp_path: Path) -> None:
    """From its first event to its last, each hears all; the rest of the run counts as skipped."""
    sink = MemorySink()
    first = config(tmp_path, {"stays": recorder(), "goes": recorder()})
    second = config(tmp_path, {"stays": recorder(), "comes": recorder(), "also": recorder()})
    async with ObserverHost(first, sink=sink) as host:
        with emitting(host) as total:
            await until(lambda: total[0] > 100)
            done = await host.reload(second)
            assert (done.added, done.removed, done.replaced) == (("comes", "also"), ("goes",), ())
            assert line_of(host, "goes").state == "removed"
            await until(lambda: len(sink.seqs("also")) > 100)
            done = await host.reload(first)
            assert (done.added, done.removed) == (("goes",), ("comes", "also"))
            back = len(sink.seqs("goes"))
            await until(lambda: len(sink.seqs("goes")) > back + 100)
        await host.drain()
    assert sink.seqs("stays") == list(range(total[0]))
    for name in ("comes", "also"):
        heard = sink.seqs(name)
        assert heard == list(range(heard[0], heard[-1] + 1))
    heard = sink.seqs("goes")
    (gap,) = [at for at in range(1, len(heard)) if heard[at] != heard[at - 1] + 1]
    assert heard == [*range(heard[gap - 1] + 1), *range(heard[gap], total[0])]
    for line in host.summary().observers:
        assert accounted(line) == host.summary().events == total[0]
        assert line.delivered == len(sink.seqs(line.name))
    states = [(line.name, line.state) for line in host.summary().observers]
    assert states[:2] == [("stays", "running"), ("goes", "running")]
    assert sorted(states[2:]) == [("also", "removed"), ("comes", "removed")]


async def test_those_that_go_drain_together_and_are_told_of_meanwhile(tmp_path: Path) -> None:
    """A reload takes as long as the slowest of them; the summary has each of them all the time."""
    slow = replace(FAST, limits=Limits(fuel=10**15, deadline_ms=400), quarantine=None)
    spins = guest({CONNECTED: SPIN})
    goes = {"a": spins, "b": spins, "c": spins}
    first = config(tmp_path, {"stays": quiet(), **goes}, special=dict.fromkeys(goes, slow))
    async with ObserverHost(first, sink=MemorySink()) as host:
        with capture_logs():
            for seq in range(3):
                await host.feed(event(seq=seq))
            reload = asyncio.create_task(host.reload(config(tmp_path, {"stays": quiet()})))
            await until(lambda: any(line.state == "removed" for line in host.summary().observers))
            assert not reload.done()
            await host.feed(event(seq=3))
            assert [line.name for line in host.summary().observers] == ["stays", "a", "b", "c"]
            done = await reload
    assert sorted(done.removed) == ["a", "b", "c"]
    for line in host.summary().observers:
        assert accounted(line) == host.summary().events == 4
        assert line.panics == (0 if line.name == "stays" else 3)


@pytest.mark.parametrize("why", ["not wasm", "traps at its start", "is not there"])
async def test_one_that_cannot_be_replaced_goes_on_as_it_was(tmp_path: Path, why: str) -> None:
    """With its memory, and without a gap; and the rest of the reload is done."""
    sink = MemorySink()
    bad = {
        "not wasm": b"nonsense",
        "traps at its start": guest({CONNECTED: ""}, extra=f'(func (export "_initialize") {TRAP})'),
        "is not there": b"",
    }[why]
    async with ObserverHost(config(tmp_path, {"one": IN_MEMORY}), sink=sink) as host:
        with emitting(host) as total, capture_logs() as logs:
            await until(lambda: total[0] > 100)
            new = config(tmp_path, {"one": bad, "two": recorder()})
            if why == "is not there":
                (tmp_path / "one.wasm").unlink()
            done = await host.reload(new)
            assert list(done.refused) == ["one"]
            assert done.added == ("two",)
            await until(lambda: len(sink.seqs("two")) > 50)
        await host.drain()
    assert "observer not replaced; the one before goes on" in [entry["event"] for entry in logs]
    assert sink.bodies("one") == list(range(1, total[0] + 1))
    assert line_of(host, "one").state == "running"
    assert line_of(host, "one").delivered == host.summary().events == total[0]


async def test_what_is_the_same_is_not_touched(tmp_path: Path) -> None:
    """Nor is what only stands elsewhere in the file."""
    sink = MemorySink()
    first = config(tmp_path, {"a": IN_MEMORY, "b": IN_MEMORY})
    async with ObserverHost(first, sink=sink) as host:
        await host.feed(event())
        done = await host.reload(replace(first, observers=first.observers[::-1]))
        assert (done.added, done.replaced, done.removed, dict(done.refused)) == ((), (), (), {})
        await host.feed(event(seq=1))
        await host.drain()
    assert sink.bodies("a") == sink.bodies("b") == [1, 2]
    assert [line.name for line in host.summary().observers] == ["b", "a"]


async def test_grants_and_hooks_change_at_an_event_boundary(tmp_path: Path) -> None:
    """An event before it is seen as granted before, one after it as granted now."""
    sink = MemorySink()
    first = config(tmp_path, {"one": recorder()})
    masked = replace(FAST, grant=FAST.grant - {"peer", "self"}, hooks=frozenset({CONNECTED}))
    async with ObserverHost(first, sink=sink) as host:
        host.emit(START, CTX)
        host.emit(UP, CTX)
        await host.reload(config(tmp_path, {"one": recorder()}, masked))
        host.emit(START, CTX)
        host.emit(UP, CTX)
        await host.drain()
    assert sink.seqs("one") == [0, 1, 3]
    clear, disguised = sink.bodies("one")[1:]
    assert clear["event"]["peer"]["serial-number"] == PEER.serial_number
    assert disguised["event"]["peer"] != clear["event"]["peer"]
    assert (line_of(host, "one").delivered, line_of(host, "one").skipped) == (3, 1)


async def test_what_waits_and_is_not_of_the_new_ones_hooks_counts_as_skipped(tmp_path: Path) -> None:
    """The new one gets the others, in order, and hears of no loss for it."""
    sink = MemorySink()
    slow = replace(FAST, limits=Limits(fuel=10**15, deadline_ms=300))
    first = config(tmp_path, {"one": guest({CONNECTED: SPIN, "on_webrtc_connecting": ""})}, slow)
    async with ObserverHost(first, sink=sink) as host:
        host.emit(UP, CTX)  # in hand until its deadline
        host.emit(START, CTX)
        host.emit(UP, CTX)
        await host.reload(config(tmp_path, {"one": guest({CONNECTED: REPORT_LOST})}, slow))
        await host.drain()
    line = line_of(host, "one")
    assert (line.delivered, line.panics, line.skipped, line.dropped) == (1, 1, 1, 0)
    assert sink.seqs("one") == [2]
    assert sink.bodies("one") == [0]


@pytest.mark.parametrize("lossless", [True, False])
async def test_what_waits_is_handed_over_whatever_room_the_new_one_has(
    tmp_path: Path, *, lossless: bool
) -> None:
    """It was taken already: a smaller mailbox bounds what comes, and nothing is lost at the change."""
    sink = MemorySink()
    slow = replace(FAST, limits=Limits(fuel=10**15, deadline_ms=300))
    first = config(tmp_path, {"one": guest({CONNECTED: SPIN})}, slow)
    async with ObserverHost(first, sink=sink, lossless=lossless) as host:
        for seq in range(40):
            await host.feed(event(seq=seq))
        await host.reload(config(tmp_path, {"one": recorder()}, replace(FAST, mailbox=2)))
        await host.drain()
    line = line_of(host, "one")
    assert line.dropped == 0
    assert line.delivered + line.panics == 40
    assert sink.seqs("one") == list(range(line.panics, 40))


async def test_a_larger_stack_a_new_memory_limit_and_more_observers_than_there_were(tmp_path: Path) -> None:
    """What the first ones needed is no bound for the next."""
    sink = MemorySink()
    async with ObserverHost(config(tmp_path, {"one": quiet()}), sink=sink) as host:
        large = replace(FAST, limits=Limits(stack_kib=1024, memory_mib=2048))
        many = {f"n{number}": recorder() for number in range(12)}
        done = await host.reload(config(tmp_path, many, large))
        assert len(done.added) == 12
        await host.feed(event())
        await host.drain()
        done = await host.reload(config(tmp_path, {"one": recorder()}))
        assert len(done.removed) == 12
        await host.feed(event(seq=1))
        await host.drain()
    assert sink.seqs("n11") == [0]
    assert sink.seqs("one") == [1]


async def test_a_host_without_observers_gets_some(tmp_path: Path) -> None:
    """And may lose the last one again."""
    sink = MemorySink()
    some = config(tmp_path, {"one": recorder()})
    none = replace(some, observers=())
    async with ObserverHost(none, sink=sink) as host:
        await host.feed(event())
        await host.reload(some)
        await host.feed(event(seq=1))
        await host.reload(none)
        await host.feed(event(seq=2))
    assert sink.seqs("one") == [1]
    assert accounted(line_of(host, "one")) == host.summary().events == 3


async def test_what_cannot_change_is_told_and_stays(tmp_path: Path) -> None:
    """The database, say: it takes effect at the next start."""
    first = config(tmp_path, {"one": quiet()}, db=tmp_path / "a.db")
    async with ObserverHost(first, sink=MemorySink()) as host:
        done = await host.reload(replace(first, db=tmp_path / "b.db", drain_s=7.0, reports="elsewhere"))
        assert sorted(done.later) == ["db", "reports"]
        assert host.config.db == tmp_path / "a.db"
        assert host.config.drain_s == 7.0
    assert not (tmp_path / "b.db").exists()


async def test_a_closed_host_does_not_reload(tmp_path: Path) -> None:
    """Nor one that was never opened."""
    host = ObserverHost(config(tmp_path, {"one": quiet()}), sink=MemorySink())
    with pytest.raises(UserError, match="not open"):
        await host.reload(HostConfig())
    async with host:
        pass
    with pytest.raises(UserError, match="closed"):
        await host.reload(HostConfig())


async def test_a_reload_under_way_is_carried_out_before_the_host_closes(tmp_path: Path) -> None:
    """Cancelled or not: an observer half replaced would be one too many, or none."""
    sink = MemorySink()
    host = ObserverHost(config(tmp_path, {"one": IN_STATE}, STATEFUL), sink=sink)
    async with host:
        await host.feed(event())
        reload = asyncio.create_task(host.reload(config(tmp_path, {"one": IN_STATE_TENFOLD}, STATEFUL)))
        await asyncio.sleep(0)
        await host.feed(event(seq=1))
        reload.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reload
    assert sink.bodies("one") in ([1, 2], [1, 20], [10, 20])
    assert line_of(host, "one").delivered == 2


async def test_an_observer_in_python_stays_and_its_name_is_taken(tmp_path: Path) -> None:
    """Those are the program's own, and no file's business."""
    sink = MemorySink()
    heard: list[str] = []

    class Own(WorkloadHookObserver):
        async def on_webrtc_connected(self, ctx: RuntimeContext, event: PeerEvent) -> None:  # noqa: ARG002
            heard.append("one")

    async with ObserverHost(config(tmp_path, {"one": recorder()}), trusted=[Own()], sink=sink) as host:
        with capture_logs():
            done = await host.reload(config(tmp_path, {"Own": recorder()}))
        assert dict(done.refused) == {"Own": "an observer in Python has its name"}
        await host.feed(event())
        await host.drain()
    assert heard == ["one"]
    assert sink.seqs("one") == []


async def test_what_was_used_is_kept_for_each_module(tmp_path: Path) -> None:
    """Old and new have counters in common, and each its own account of what it used."""
    first = config(tmp_path, {"one": recorder(CONNECTED)}, db=tmp_path / "w.db")
    async with ObserverHost(first, sink=MemorySink()) as host:
        for seq in range(3):
            await host.feed(event(seq=seq))
        await host.drain()
        old = host._crew.places["one"].module_sha256
        await host.reload(config(tmp_path, {"one": quiet()}, db=tmp_path / "w.db"))
        new = host._crew.places["one"].module_sha256
        await host.feed(event(seq=3))
        await host.drain()
    used = [read_usage(tmp_path / "w.db", "one", sha) for sha in (old, new)]
    assert [each[Used("hook", CONNECTED)] for each in used] == [3, 1]
    assert [Used("capability", "report") in each for each in used] == [True, False]


async def test_what_the_old_one_used_is_not_on_the_new_ones_account(tmp_path: Path) -> None:
    """Nor what the old one only looked at: an operator takes away what is never used."""
    first = config(tmp_path, {"one": IN_STATE}, STATEFUL, db=tmp_path / "w.db")
    async with ObserverHost(first, sink=MemorySink()) as host:
        await host.feed(event())
        await host.drain()
        await host.reload(config(tmp_path, {"one": quiet()}, STATEFUL, db=tmp_path / "w.db"))
        new = host._crew.places["one"].module_sha256
        await host.feed(event(seq=1))
        await host.drain()
    assert {
        used.name for used in read_usage(tmp_path / "w.db", "one", new) if used.kind == "capability"
    } == set()


async def test_nothing_is_kept_of_those_that_left_a_host_which_began_without_any(tmp_path: Path) -> None:
    """Each would keep its module in memory."""
    some = config(tmp_path, {"one": quiet()})
    none = replace(some, observers=())
    async with ObserverHost(none, sink=MemorySink()) as host:
        await host.reload(some)
        place = weakref.ref(host._crew.places["one"])
        await host.reload(none)
        gc.collect()
        assert place() is None


async def test_what_stands_in_the_way_of_one_observer_is_told_and_the_rest_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is not about its module: no process can be made, or the database cannot be read."""
    sink = MemorySink()
    async with ObserverHost(config(tmp_path, {"stays": recorder()}), sink=sink) as host:
        prepare = host._crew._open_quarters().prepare

        def refuse_one(observer: ObserverConfig, counters: Counters | None = None) -> Place:
            if observer.name == "bad":
                raise WallError("no process can be made")
            return prepare(observer, counters)

        monkeypatch.setattr(host._crew._open_quarters(), "prepare", refuse_one)
        with capture_logs():
            done = await host.reload(config(tmp_path, {"bad": quiet(), "good": recorder()}))
        assert (done.added, done.removed) == (("good",), ("stays",))
        assert dict(done.refused) == {"bad": "no process can be made"}
        assert line_of(host, "bad").state == "refused"


async def test_an_observer_that_is_named_twice_is_not_reloaded(tmp_path: Path) -> None:
    """A file is not let in with it; a program is told before anything is done."""
    one = config(tmp_path, {"one": quiet()})
    async with ObserverHost(replace(one, observers=()), sink=MemorySink()) as host:
        with pytest.raises(UserError, match='two observers have the name "one"'):
            await host.reload(replace(one, observers=one.observers * 2))
        assert host.counters() == {}
        assert host.config.observers == ()
