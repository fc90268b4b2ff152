"""A desk and a shard that lies: it can tell of its own observer and of letters under way, of no others."""

from __future__ import annotations

import threading
from array import array
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import structlog
from structlog.testing import capture_logs

from tests.host.helpers import FAST, MemorySink
from tests.shards.test_tray import Told, letter
from wasmhost import ActrError
from wasmhost.config.model import GRANTABLE
from wasmhost.grants.profiles import Profiles
from wasmhost.grants.usage import UsageLog
from wasmhost.host.hook_tally import HookTally
from wasmhost.host.reports import ReportQueue
from wasmhost.host.services import Services
from wasmhost.host.state import StateStore
from wasmhost.panics.record import PanicKind
from wasmhost.panics.store import PanicLog
from wasmhost.shards import turns as t
from wasmhost.shards.desk import Desk
from wasmhost.shards.framing import Garbled
from wasmhost.shards.tray import Tray
from wasmhost.sinks import ReportRecord

if TYPE_CHECKING:
    from wasmhost.host.mailbox import Letter

GRANTED = replace(FAST, grant=FAST.grant | GRANTABLE)
PANIC = t.PanicTold(7, "on_start", PanicKind.OUT_OF_FUEL, "m", ("f",), 100, 2)


def desk(*letters: Letter, granted: bool = True, sink: MemorySink | None = None) -> Desk:
    """Make the desk of an observer with letters under way; on a loop."""
    sink = sink or MemorySink()
    services = Services(
        PanicLog(), StateStore(), ReportQueue(sink), False, Profiles(), UsageLog()
    )  # fmt: skip
    settings = GRANTED if granted else replace(GRANTED, grant=frozenset())
    made = Desk(settings.observer("mine", Path("x.wasm")), "00", None, services)
    made.mailbox = Tray(100, "drop-oldest", threading.Lock(), lambda _letter: None)
    made.mailbox.begin()
    for each in letters:
        made.mailbox.put(each)
    return made


def turn(*told: t.Told, **counts: int) -> t.Turn:
    """Make a turn."""
    return t.Turn(0, array("Q"), tuple(counts.get(name, 0) for name in t.COUNTS), (), told)


@pytest.mark.parametrize(
    "told",
    [t.Report(8, "t", b""), PANIC._replace(number=8), t.ReplyTold(8, None), t.ReplyTold(0, None)],
)
async def test_what_is_told_of_a_letter_that_is_not_under_way_is_garbled(told: t.Told) -> None:
    """One of another observer, one that is done, or one that never was."""
    with pytest.raises(Garbled, match="not under way"):
        desk(letter(7)).take(turn(told))


@pytest.mark.parametrize(
    "told", [t.Report(7, "t", b""), t.State(b"x"), t.ConditionTold(False, (), (("m", 1.0),), 0)]
)
async def test_what_is_not_granted_is_garbled(told: t.Told) -> None:
    """A guest that broke out of its sandbox has no more rights than it had."""
    mine = desk(letter(7), granted=False)
    with pytest.raises(Garbled, match="not granted"):
        mine.take(turn(told))
    assert mine.state() is None
    assert mine.condition.metrics == ()


async def test_counts_add_up() -> None:
    """Of every turn; fuel and hooks too."""
    mine, tally = desk(), HookTally()
    for cost in (2, 3):
        tally.delivered(cost, 10)
    told = t.HookTold("on_start", tally.numbers, [(2, 1), (3, 1)])
    for _ in range(2):
        mine.take(turn(delivered=2, logs=1)._replace(hooks=(told,)))
    assert (mine.counters.delivered, mine.counters.logs, mine.counters.panics) == (4, 2, 0)
    (counted,) = (tally.told() for tally in mine.counters.hooks.values())
    assert (counted.delivered, counted.fuel.sum, counted.time_ns.sum) == (4, 10, 40)
    fuel = mine.summary(0).fuel
    assert fuel is not None
    assert (fuel.p50, fuel.max) == (2, 3)


async def test_a_panic_is_of_the_letter_that_the_host_has() -> None:
    """Its event and its number are what was sent, whatever a shard may think."""
    own = letter(7)
    own = own._replace(frame=own.frame._replace(seq=41, at=42, src="s", data=b"event"))
    mine = desk(own)
    mine.take(turn(PANIC, panics=1))
    (row,) = mine._services.panics.rows()
    assert (row.observer, row.seq, row.at, row.message) == ("mine", 41, 42, "m")
    assert [hook for hook, _when in mine.panics] == ["on_start"]


async def test_a_report_is_of_the_event_that_the_host_has() -> None:
    """Under the name of this observer."""
    own = letter(7)
    own = own._replace(frame=own.frame._replace(seq=41, at=42, src="s"))
    sink = MemorySink()
    mine = desk(own, sink=sink)
    mine.take(turn(t.Report(7, "topic", b"\xf6"), reports=1))
    reports = mine._services.reports
    assert isinstance(reports, ReportQueue)
    reports.close()
    await reports.pump()
    assert sink.records == [ReportRecord("mine", "s", 41, 42, "topic", b"\xf6")]


async def test_lines_are_of_this_observer_whatever_they_say() -> None:
    """None can be told in another's name."""
    with capture_logs() as lines:
        desk().take(turn(t.Line("info", "guest log", {"observer": "other", "n": 1})))
    assert lines == [{"event": "guest log", "log_level": "info", "observer": "mine", "n": 1}]


async def test_a_log_that_cannot_be_written_costs_the_line_only() -> None:
    """The shard has done nothing wrong."""

    def fail(*_: object) -> None:
        raise OSError("closed")

    mine = desk()
    with capture_logs():
        structlog.get_config()["processors"][:] = [fail]
        mine.take(turn(t.Line("info", "guest log", {}), delivered=1))
    assert mine.counters.delivered == 1


async def test_a_conviction_is_a_panic_and_costs_the_letter() -> None:
    """Whoever awaits it hears of it."""
    reply = Told()
    mine = desk()
    with capture_logs():
        mine.convict(letter(7, lost=2, reply=reply), "signal 9")
    (row,) = mine._services.panics.rows()
    assert (row.hook, row.seq, row.kind, row.count) == ("on_start", 7, PanicKind.OTHER, 1)
    assert "its process died: signal 9" in row.message
    assert (mine.counters.panics, mine.counters.restarts) == (1, 1)
    (error,) = reply.told
    assert error is not None
    assert "on_start panicked: its process died" in error.message


async def test_replies_are_handed_on() -> None:
    """Good ones and bad ones."""
    good, bad = Told(), Told()
    mine = desk(letter(1, reply=good), letter(2, reply=bad))
    error = ActrError("internal", "no")
    mine.take(turn(t.ReplyTold(1, None), t.ReplyTold(2, error)))
    assert (good.told, bad.told) == ([None], [error])


async def test_a_hook_that_healed_is_not_held_against_the_next_life() -> None:
    """Its panics are forgotten, those of others are not."""
    mine = desk(letter(7))
    ill = t.ConditionTold(False, ("on_start",), (), 0)
    mine.take(turn(PANIC, PANIC._replace(hook="on_stop"), ill))
    mine.take(turn(ill._replace(quarantined=())))
    assert [hook for hook, _when in mine.panics] == ["on_stop"]


async def test_hooks_that_the_operator_keeps_from_it_are_garbled() -> None:
    """A shard says which hooks an observer has; `hooks` of the configuration holds for a liar, too."""
    mine = desk()
    mine.may_hear(frozenset({"on_start", "on_stop"}))
    mine.observer = replace(mine.observer, hooks=frozenset({"on_start"}))
    mine.may_hear(frozenset({"on_start"}))
    with pytest.raises(Garbled, match="not to hear"):
        mine.may_hear(frozenset({"on_start", "on_stop"}))


async def test_what_it_was_not_told_of_is_said_once_and_fits() -> None:
    """To the next process; were that to die before it told how it is, it would be said twice."""
    mine = desk()
    mine.take(turn(t.ConditionTold(False, (), (), 3)))
    assert [mine.untold(), mine.untold()] == [3, 0]
    mine.take(turn(t.ConditionTold(False, (), (), 2**64 - 1)))
    assert mine.untold() < 2**63


async def test_a_report_waits_for_no_full_queue_once_the_host_closes() -> None:
    """It is dropped and counted: the sink may have stalled for good, and closing must not wait for it."""
    mine = desk(letter(7))
    reports = mine._services.reports
    record = ReportRecord("other", "s", 1, 1, "topic", b"\xf6")
    while not reports.full:
        reports.put(record)
    mine._services = replace(mine._services, lossless=True)
    mine.close()
    mine.take(turn(t.Report(7, "topic", b"\xf6"), reports=1))
    assert (mine.counters.reports, mine.counters.reports_dropped) == (0, 1)
