"""Turns: what an outbox takes is what the host reads; what anybody else writes is garbled, or as harmless."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasmhost import ActrError
from wasmhost.contract.hooks import HOOKS
from wasmhost.host.counters import Counters
from wasmhost.host.hook_tally import HookCounts, HookTally
from wasmhost.host.runner import Condition
from wasmhost.panics.record import Panic, PanicKind
from wasmhost.shards.framing import Garbled
from wasmhost.shards.outbox import AwayReply, Outbox, write_line
from wasmhost.shards.packing import Packer, Unpacker
from wasmhost.shards.turns import (
    COUNTS,
    DISPOSED,
    ConditionTold,
    HookTold,
    Line,
    PanicTold,
    ReplyTold,
    Report,
    Section,
    State,
    Turn,
    read_line,
    read_turn,
)
from wasmhost.sinks import ReportRecord

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wasmhost.shards.turns import Told

WELL = Condition(failed=False, quarantined=(), metrics=(), lost=0)
RTL = "\N{RIGHT-TO-LEFT OVERRIDE}"
PLAIN = st.text("abcdefgh _-", max_size=30)
U64 = st.integers(0, 2**64 - 1)


class Member:
    """An outbox with what is around it in a shard."""

    def __init__(self, place: int = 3) -> None:
        self.hand = array("Q", [0])
        self.outbox = Outbox(place, memoryview(self.hand), b"old", lossless=False)
        self.counters = Counters()

    def deliver(self, hook: str, fuel: int, times: int = 1) -> None:
        """Count deliveries of 3 µs."""
        self.counters.delivered += times
        for _ in range(times):
            self.counters.of(hook).delivered(fuel, 3_000)

    def take(self, *done: int, condition: Condition = WELL) -> bytes:
        """Give the body of a turn."""
        return b"".join(self.outbox.take(array("Q", done), self.counters, condition))

    def turn(self, *done: int, condition: Condition = WELL) -> Turn:
        """Have it read by the host."""
        return read_turn(self.take(*done, condition=condition))


def panic(event: bytes = b"x", **texts: str) -> Panic:
    """Make a panic."""
    return Panic(
        observer="a",
        module_sha256="00",
        hook=texts.get("hook", "on_start"),
        src="s",
        seq=1,
        at=2,
        kind=PanicKind.OUT_OF_FUEL,
        message=texts.get("message", "too much"),
        backtrace=(texts.get("frame", "inner"), "outer"),
        fuel_budget=2**64 - 1,
        event=event,
        lost=5,
        wasmtime="1",
        happened_at=3,
    )


def full_body() -> bytes:
    """Give a turn with one of each in it."""
    member = Member()
    member.hand[0] = 7
    member.outbox.put(ReportRecord("a", "s", 1, 2, "topic", b"\xf6"))
    member.outbox.record(panic())
    member.outbox.line("info", "seen", {"count": 1, "share": 0.5, "ok": True, "what": None, "who": "x"})
    member.outbox.save("a", b"new")
    member.outbox.reply(7, ActrError("internal", "no"))
    member.deliver("on_start", 100, 2)
    return member.take(7, 8, condition=Condition(True, ("on_start",), (("seen", 1.5),), 4))


def tally(told: HookTold) -> HookCounts:
    """Sum up what was told of a hook."""
    counted = HookTally()
    counted.grow(told.numbers, told.fuel)
    return counted.told()


def shown(told: Iterable[Told]) -> list[str]:
    """Return what was told so that it can be compared: two errors are alike, and not the same."""
    return [repr(each) for each in told]


def counts(turn: Turn) -> dict[str, int]:
    """Return the counts that are not 0, by name."""
    return {name: count for name, count in zip(COUNTS, turn.counts, strict=True) if count}


def test_a_turn_with_nothing_to_tell() -> None:
    """The first tells how the observer is; after that, only that it was."""
    member = Member(9)
    assert member.turn() == Turn(9, array("Q"), (0,) * len(COUNTS), (), (ConditionTold(*WELL),))
    assert member.turn() == Turn(9, array("Q"), (0,) * len(COUNTS), (), ())


def test_everything_comes_in_the_order_in_which_it_happened() -> None:
    """State and condition come last: there is one of each."""
    turn = read_turn(full_body())
    assert (turn.place, turn.done.tolist(), counts(turn)) == (3, [7, 8], {"delivered": 2})
    (told,) = turn.hooks
    counted = tally(told)
    assert (told.hook, told.fuel, counted.delivered, counted.time_ns.sum) == (
        "on_start",
        [(100, 2)],
        2,
        6_000,
    )
    assert shown(turn.told) == shown(
        (
            Report(7, "topic", b"\xf6"),
            PanicTold(7, "on_start", PanicKind.OUT_OF_FUEL, "too much", ("inner", "outer"), 2**64 - 1, 5),
            Line("info", "seen", {"count": 1, "share": 0.5, "ok": True, "what": None, "who": "x"}),
            ReplyTold(7, ActrError("internal", "no")),
            State(b"new"),
            ConditionTold(failed=True, quarantined=("on_start",), metrics=(("seen", 1.5),), lost=4),
        )
    )


def test_a_panic_before_any_event_is_of_no_letter() -> None:
    """A sandbox may be made anew while an event is in hand."""
    member = Member()
    member.hand[0] = 7
    member.outbox.record(panic(b""))
    told = member.turn().told[0]
    assert isinstance(told, PanicTold)
    assert told.number == 0


def test_the_latest_state_is_told_once() -> None:
    """And known here, as a sandbox that is made anew is given it."""
    member = Member()
    assert member.outbox.load("a") == b"old"
    member.outbox.save("a", b"1")
    member.outbox.save("a", b"")
    assert State(b"") in member.turn().told
    assert member.outbox.load("a") == b""
    assert member.turn().told == ()


def test_a_condition_is_told_when_it_is_another_one() -> None:
    """Metrics that grew, say."""
    member = Member()
    ill = Condition(failed=False, quarantined=("on_start",), metrics=(("m", 1.0),), lost=1)
    assert member.turn(condition=ill).told == (ConditionTold(*ill),)
    assert member.turn(condition=ill).told == ()
    assert member.turn(condition=WELL).told == (ConditionTold(*WELL),)


def test_a_reply_comes_back_with_its_letters_number() -> None:
    """Also that a hook did well."""
    member = Member()
    for number, tell in enumerate((AwayReply.done, AwayReply.too_large)):
        tell(AwayReply("on_start", number, member.outbox))
    first, second = member.turn().told[:2]
    assert first == ReplyTold(0, None)
    assert isinstance(second, ReplyTold)
    assert second.error is not None
    assert second.error.kind == "unavailable"


@given(st.lists(st.fixed_dictionaries({name: st.integers(0, 5) for name in COUNTS}), max_size=4))
def test_counts_are_told_as_what_they_grew_by(grown: list[dict[str, int]]) -> None:
    """Every one of them, and what is added up is what there is."""
    member = Member()
    for growth in grown:
        for name, count in growth.items():
            setattr(member.counters, name, getattr(member.counters, name) + count)
        counted = member.counters.of("on_ready")
        for _ in range(growth["delivered"]):
            counted.delivered(1, 1)
        for _ in range(growth["panics"]):
            counted.panicked("exit")
        for _ in range(growth["skipped"]):
            counted.skipped()
        for _ in range(growth["dropped"]):
            counted.dropped("too_large")
        done = range(sum(growth[name] for name in DISPOSED))
        turn = member.turn(*done)
        assert turn.counts == tuple(growth[name] for name in COUNTS)
        assert turn.done.tolist() == list(done)


@given(st.lists(st.lists(st.tuples(st.sampled_from([1, 2, 2**64 - 1]), st.integers(1, 9)), max_size=5)))
def test_fuel_is_told_once_by_what_a_delivery_cost(turns: list[list[tuple[int, int]]]) -> None:
    """With how many cost that."""
    member = Member()
    for spent in turns:
        for fuel, times in spent:
            member.deliver("on_start", fuel, times)
        (told,) = member.turn(*range(sum(times for _, times in spent))).hooks or (HookTold("", [], []),)
        found = told.fuel
        assert len({fuel for fuel, _times in found}) == len(found)
        assert dict(found) == {
            fuel: sum(times for other, times in spent if other == fuel) for fuel, _times in spent
        }


def test_every_hook_that_was_given_events_is_told_once() -> None:
    """What observers use is counted by hooks."""
    member = Member()
    for place, hook in enumerate(HOOKS):
        member.deliver(hook.name, 10**place, place + 1)
    turn = member.turn(*range(member.counters.delivered))
    assert [(told.hook, tally(told).delivered) for told in turn.hooks] == [
        (hook.name, place + 1) for place, hook in enumerate(HOOKS)
    ]
    assert member.turn().hooks == ()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (0, 0),
        (2**64 - 1, 2**64 - 1),
        (2**64, str(2**64)),
        (-1, "-1"),
        (1.5, 1.5),
        (True, True),
        (False, False),
        (None, None),
        ("text", "text"),
        ([1], "[1]"),
        (f"a\n{RTL}", r"a\n\u202e"),
        ("\ud800", "?"),
    ],
)
def test_values_of_a_line(value: object, told: object) -> None:
    """As they are, where a log has such; else as text."""
    out = Packer()
    write_line(out, "info", "seen", {"it": value})
    line = read_line(Unpacker(bytes(out.data)))
    assert line == Line("info", "seen", {"it": told})  # type: ignore[dict-item]
    assert type(line.fields["it"]) is type(told)


BAD_NAMES = [
    "event", "self", "method_name", "level", "timestamp", "exc_info", "stack_info", "exception", "logger",
    "_record", "_from_structlog", "__class__", "positional_args", "", "a b", "a=b", "A", "1a", "é", "a\n",
]  # fmt: skip


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_field_that_would_mean_something_to_a_logger_is_garbled(name: str) -> None:
    """A shard can set no key of the log's own, nor one that the logger's methods take, nor two in one."""
    out = Packer()
    write_line(out, "info", "seen", {name: 1})
    with pytest.raises(Garbled, match="a field of the log"):
        read_line(Unpacker(bytes(out.data)))


@pytest.mark.parametrize("level", ["", "exception", "bind", "msg", "log", "Info", "__init__", "fatal"])
def test_a_level_that_there_is_not_is_garbled(level: str) -> None:
    """It is the name of a method, so it had better be one of ours."""
    out = Packer()
    write_line(out, level, "seen", {})
    with pytest.raises(Garbled, match="unknown level"):
        read_line(Unpacker(bytes(out.data)))


def test_text_is_made_fit_to_be_shown_once_more() -> None:
    """A shard that was taken over does not escape anything."""
    bad = f"\x1b[2J{RTL}\n"
    member = Member()
    member.outbox.put(ReportRecord("a", "s", 1, 2, bad, b""))
    member.outbox.record(panic(hook=bad, message=bad * 10, frame=bad))
    member.outbox.line("info", bad, {"it": bad})
    member.outbox.reply(1, ActrError("internal", bad))
    turn = member.turn(condition=Condition(False, (bad,), ((bad, 1.0),), 0))
    report, panicked, line, reply, condition = turn.told
    escaped = r"\x1b[2J\u202e\n"
    assert report == Report(0, escaped, b"")
    assert isinstance(panicked, PanicTold)
    assert (panicked.hook, panicked.message, panicked.backtrace[0]) == (escaped, escaped * 10, escaped)
    assert line == Line("info", escaped, {"it": escaped})
    assert repr(reply) == repr(ReplyTold(1, ActrError("internal", escaped)))
    assert condition == ConditionTold(False, (escaped,), ((escaped, 1.0),), 0)


def test_text_is_cut_or_garbled_where_it_is_too_long() -> None:
    """A topic of a guest never is."""
    member = Member()
    member.outbox.put(ReportRecord("a", "s", 1, 2, "t" * 300, b""))
    (report, _condition) = member.turn().told
    assert isinstance(report, Report)
    assert len(report.topic) == 256
    member.outbox.put(ReportRecord("a", "s", 1, 2, "t" * 1025, b""))
    with pytest.raises(Garbled, match="1,025 bytes where 1,024 are the most"):
        member.turn()


@pytest.mark.parametrize("name", DISPOSED)
@pytest.mark.parametrize("done", [0, 2])
def test_a_turn_that_counts_other_letters_than_are_done_is_garbled(name: str, done: int) -> None:
    """Each letter is one delivered, panicked, skipped or dropped, or the summary would not add up."""
    member = Member()
    setattr(member.counters, name, 1)
    with pytest.raises(Garbled, match="counts other letters"):
        member.turn(*range(done))


def test_what_is_larger_than_a_guest_could_make_it_is_garbled() -> None:
    """Reports and state of more than the area of an airlock."""
    for section in (Section.REPORT, Section.STATE):
        member = Member()
        if section is Section.REPORT:
            member.outbox.put(ReportRecord("a", "s", 1, 2, "t", bytes(64 * 1024 + 1)))
        else:
            member.outbox.save("a", bytes(64 * 1024 + 1))
        with pytest.raises(Garbled, match="65,537 bytes"):
            member.turn()


@pytest.mark.parametrize("section", [0, 7, 255])
def test_a_section_that_there_is_not_is_garbled(section: int) -> None:
    """Behind all that is right."""
    with pytest.raises(Garbled, match=f"something unknown, {section}"):
        read_turn(full_body() + bytes([section]))


FULL = full_body()


@pytest.mark.parametrize("length", range(len(FULL)))
def test_a_turn_that_ends_early_is_garbled_or_another(length: int) -> None:
    """It can end between two sections only."""
    whole = read_turn(FULL)
    try:
        turn = read_turn(FULL[:length])
    except Garbled:
        return
    assert turn[:-1] == whole[:-1]
    assert shown(turn.told) == shown(whole.told[: len(turn.told)])


@given(st.lists(st.tuples(st.integers(0, len(FULL) - 1), st.binary(max_size=9)), min_size=1, max_size=4))
def test_a_turn_that_was_damaged_is_garbled_or_a_turn(damage: list[tuple[int, bytes]]) -> None:
    """And never another error, nor text that is not fit to be shown."""
    body = bytearray(FULL)
    for place, data in damage:
        body[place : place + len(data)] = data
    try:
        turn = read_turn(bytes(body))
    except Garbled:
        return
    assert len(turn.counts) == len(COUNTS)
    assert repr(turn).isprintable()


@given(st.dictionaries(PLAIN, U64 | st.floats(allow_nan=False) | PLAIN | st.booleans() | st.none()))
def test_lines_come_back_or_are_garbled(fields: Mapping[str, object]) -> None:
    """By the names of their fields."""
    out = Packer()
    write_line(out, "error", "what", fields)
    try:
        line = read_line(Unpacker(bytes(out.data)))
    except Garbled:
        return
    assert line == Line("error", "what", dict(fields))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [name for name in COUNTS if name.startswith("saw_")])
def test_what_is_summed_up_in_the_database_cannot_be_made_to_overflow(name: str) -> None:
    """Twice 2**63 - 1 became a float in it, and what the observer used could be read no more."""
    member = Member()
    setattr(member.counters, name, 2**63 - 1)
    with pytest.raises(Garbled, match="more letters than it can have"):
        member.turn()
