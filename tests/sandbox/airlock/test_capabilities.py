"""What each capability does, seen from a guest and from the host."""

from __future__ import annotations

import math
import struct

import pytest

from tests.sandbox import wat
from tests.sandbox.lab import Lab, Puppet
from tests.sandbox.wat import DIE, RESULT, SCRATCH, answer, call, keep, poke, tell, tell_list, text
from wasmhost.errors import GuestRefused, InternalError
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.instance import stream_seed
from wasmhost.sandbox.outbox import MAX_LINES, CounterAdd, GaugeSet, LogLine, Report

PLACE = 0x80  # where the puppet lets an import write its option
END = 8 * 64 * 1024  # of the puppet's memory
OVERHEAD = abi.RECORD.size


@pytest.fixture
def puppet(lab: Lab) -> Puppet:
    """A fresh puppet."""
    return lab.puppet()


def option(puppet: Puppet, *script: bytes) -> bytes | None:
    """Play a script that leaves an option at PLACE; what the option holds."""
    script = (poke(PLACE, b"\xaa" * 12), *script, tell(PLACE, 12))
    case = puppet.told(*script)[0][0]
    assert case in {0, 1}
    return puppet.told(*script, tell_list(PLACE + 4))[1] if case else None


def get(puppet: Puppet, key: str | bytes) -> str | None:
    """Ask for a key of the configuration."""
    found = option(puppet, text("config.get", key, after=(PLACE,)))
    return None if found is None else found.decode()


# log


def test_log_lines_arrive_in_order_with_their_levels(puppet: Puppet) -> None:
    """Every level, and text that is not ASCII."""
    levels = ("trace", "debug", "info", "warn", "error")
    script = [text("log.write", f"hé {level} 🦀", number) for number, level in enumerate(levels)]
    outcome = puppet.play(*script)
    assert outcome.effects.logs == tuple(LogLine(level, f"hé {level} 🦀") for level in levels)
    assert outcome.effects.logs_dropped == 0


def test_a_log_line_is_cut_at_4096_bytes(puppet: Puppet) -> None:
    """At a character's border; one byte less stays whole."""
    for words, kept in (("a" * 4096, "a" * 4096), ("a" * 4097, "a" * 4096), ("é" * 3000, "é" * 2048)):
        assert puppet.play(text("log.write", words, 2)).effects.logs == (LogLine("info", kept),)
    for lead in range(4):
        (line,) = puppet.play(text("log.write", "a" * lead + "🦀" * 2000, 2)).effects.logs
        assert line.text == "a" * lead + "🦀" * ((4096 - lead) // 4)


def test_log_lines_are_made_fit_to_be_shown(puppet: Puppet) -> None:
    """Escapes, newlines and broken UTF-8 come out as text, on one line."""
    (line,) = puppet.play(text("log.write", b"a\x1b[2J\nb\xff\x00", 2)).effects.logs
    assert line.text == r"a\x1b[2J\nb\xff\x00"


def test_a_level_that_there_is_not_traps(puppet: Puppet) -> None:
    """The canonical ABI has no sixth case of an enum of five."""
    outcome = puppet.play(text("log.write", "x", 5))
    assert outcome.trap is not None
    assert outcome.trap.kind is PanicKind.OTHER
    assert "level" in outcome.trap.message


def test_what_does_not_fit_the_outbox_is_counted(puppet: Puppet) -> None:
    """15 lines of 4 KiB fit into 64 KiB, then three of 1 KiB; a report counts apart."""
    line = call("log.write", 1, SCRATCH, 4096)
    small = call("log.write", 1, SCRATCH, 1024)
    report = call("report.send", SCRATCH, 1, SCRATCH, 2048)
    outcome = puppet.play(line * 20, small * 6, report, call("metrics.counter-add", SCRATCH, 200, 1))
    assert len(outcome.effects.logs) == 15 + (abi.AREA_BYTES - 15 * (4096 + OVERHEAD)) // (1024 + OVERHEAD)
    assert outcome.effects.logs_dropped == 26 - len(outcome.effects.logs)
    assert (outcome.effects.reports, outcome.effects.dropped) == ((), 1)
    assert len(outcome.effects.metrics) == 1  # which is small, and still fits
    # The next delivery begins with an empty outbox.
    assert puppet.play(line).effects.logs_dropped == 0


def test_the_outbox_can_be_filled_to_its_last_byte(puppet: Puppet) -> None:
    """And not a byte further."""
    size = abi.AREA_BYTES - OVERHEAD
    outcome = puppet.play(call("report.send", 0, 0, 0, size))
    assert [len(report.body) for report in outcome.effects.reports] == [size]
    assert outcome.effects.dropped == 0
    outcome = puppet.play(call("report.send", 0, 0, 0, size + 1))
    assert (outcome.effects.reports, outcome.effects.dropped) == ((), 1)


def test_more_lines_than_anybody_reads_are_counted(puppet: Puppet) -> None:
    """A flood costs the guest little; it must not cost the host much more."""
    outcome = puppet.play(call("log.write", 1, SCRATCH, 1) * 1000)
    assert len(outcome.effects.logs) == MAX_LINES
    assert outcome.effects.logs_dropped == 1000 - MAX_LINES


# panic


def test_the_last_report_is_the_panics_message(puppet: Puppet) -> None:
    """Even when the outbox is full; cut at 4096 bytes; and escaped."""
    flood = call("log.write", 1, SCRATCH, 4096) * 20
    outcome = puppet.play(text("panic.report", "first"), flood, text("panic.report", "la\x1bst ü"), DIE)
    assert outcome.trap is not None
    assert (outcome.trap.kind, outcome.trap.message) == (PanicKind.UNREACHABLE, r"la\x1bst ü")


def test_a_long_panic_message_is_cut(puppet: Puppet) -> None:
    """At 4096 bytes."""
    outcome = puppet.play(text("panic.report", "ü" * 5000), DIE)
    assert outcome.trap is not None
    assert outcome.trap.message == "ü" * 2048


def test_words_without_a_trap_are_a_log_line(puppet: Puppet) -> None:
    """A guest that reports a panic and then returns did not panic."""
    outcome = puppet.play(text("log.write", "before", 2), text("panic.report", "so what"))
    assert outcome.trap is None
    assert outcome.effects.logs == (LogLine("info", "before"), LogLine("error", "so what"))


def test_words_of_one_delivery_are_not_those_of_the_next(puppet: Puppet) -> None:
    """What a delivery that returned had to say does not explain a later trap."""
    assert puppet.play(text("panic.report", "an old story")).trap is None
    outcome = puppet.play(DIE)
    assert outcome.trap is not None
    assert "old story" not in outcome.trap.message


# delivery


def test_a_guest_knows_its_delivery(puppet: Puppet) -> None:
    """Time, sequence and losses are the host's, over their whole range."""
    for value in (0, 1, 1_700_000_000_000_000_000, 2**64 - 1):
        assert puppet.ask("delivery.now", at=value) == value
        assert puppet.ask("delivery.sequence", seq=value) == value
        assert puppet.ask("delivery.lost", lost=value) == value


def randoms(puppet: Puppet, count: int = 3, **header: int) -> tuple[int, ...]:
    """Draw from the random stream of a delivery."""
    told = puppet.told((call("delivery.random") + answer()) * count, **header)
    return tuple(int.from_bytes(number, "little") for number in told)


def test_random_is_the_same_in_a_replay(lab: Lab) -> None:
    """The stream begins anew with each delivery, and depends on seed and sequence alone."""
    puppet, other = lab.puppet(), lab.puppet(seed=99)
    first = randoms(puppet, seed=7, seq=3)
    assert randoms(puppet, seed=7, seq=3) == first
    assert randoms(other, seed=7, seq=3, at=5, lost=2) == first
    assert len(set(first)) == 3


def test_random_differs_by_source_and_sequence(puppet: Puppet) -> None:
    """Neighbouring events share nothing, not even shifted by a step; nor do two sources."""
    sources = [stream_seed("ab" * 32, "relay-watch", src) for src in ("", "node-1", "node-2")]
    seen: list[int] = []
    for seed in sources:
        for seq in range(50):
            seen += randoms(puppet, 4, seed=seed, seq=seq)
    assert len(set(seen)) == len(seen) == 600
    ones = sum(number.bit_count() for number in seen) / 600
    assert 30 < ones < 34  # no proof of randomness, but a broken mix would not pass


def test_a_stream_is_of_one_module_observer_and_source() -> None:
    """Each of the three counts, and none runs into the next."""
    names = (("ab", "c", "d"), ("a", "bc", "d"), ("ab", "cd", ""), ("ab", "", "cd"), ("", "abc", "d"))
    seeds = [stream_seed(*parts) for parts in names]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**64 for seed in seeds)


# config


def test_config_is_looked_up(lab: Lab) -> None:
    """Present, absent, empty on either side, a prefix, and what is not ASCII."""
    table = {"threshold": "0.3", "empty": "", "": "no key", "größe": "groß 🦀", "thresh": "other"}
    puppet = lab.puppet(config=table)
    for key, value in table.items():
        assert get(puppet, key) == value
    for key in ("absent", "threshol", "threshold2", "Empty", "grösse"):
        assert get(puppet, key) is None
    assert get(lab.puppet(), "threshold") is None


def test_a_config_of_16_kib_fits(lab: Lab) -> None:
    """To the last byte; a larger one is the host's fault, and no sandbox is made."""
    value = "v" * (abi.CONFIG_BYTES - 2 * abi.CONFIG_ENTRY.size - 2)
    puppet = lab.puppet(config={"a": "", "b": value})
    assert get(puppet, "b") == value
    with pytest.raises(InternalError, match="larger than its area"):
        lab.puppet(config={"a": "", "b": value + "x"})


# state


def load(puppet: Puppet) -> bytes | None:
    """Load the blob."""
    return option(puppet, call("state.load", PLACE))


def test_state_is_loaded_as_it_was_kept(lab: Lab) -> None:
    """No blob, an empty one, a full one."""
    assert load(lab.puppet()) is None
    assert load(lab.puppet(state=b"")) == b""
    assert load(lab.puppet(state=b"blob")) == b"blob"
    script = (call("state.load", PLACE), tell(PLACE, 12))
    puppet = lab.puppet(state=b"x" * abi.AREA_BYTES)
    assert struct.unpack("<B3xII", puppet.told(*script)[0])[2] == abi.AREA_BYTES


def test_a_save_is_seen_by_the_same_delivery_and_later_ones(puppet: Puppet) -> None:
    """And given to the host once, with the last value."""
    outcome = puppet.play(
        text("state.save", "one"),
        text("state.save", "two"),
        call("state.load", PLACE),
        tell_list(PLACE + 4),
    )
    assert outcome.effects.state == b"two"
    assert outcome.effects.reports == (Report("", b"two"),)
    assert puppet.play().effects.state is None
    assert load(puppet) == b"two"


def test_a_blob_over_64_kib_is_refused_and_counted(puppet: Puppet) -> None:
    """The old one stays; one of exactly 64 KiB is kept."""
    assert puppet.play(call("state.save", 0, abi.AREA_BYTES)).effects.state is not None
    outcome = puppet.play(text("state.save", "kept"), call("state.save", 0, abi.AREA_BYTES + 1))
    assert (outcome.effects.state, outcome.effects.state_refused) == (b"kept", 1)
    outcome = puppet.play(call("state.save", 0, abi.AREA_BYTES + 1))
    assert (outcome.effects.state, outcome.effects.state_refused) == (None, 1)
    assert load(puppet) == b"kept"


def test_an_empty_blob_is_a_blob(puppet: Puppet) -> None:
    """It is not the same as none."""
    assert puppet.play(call("state.save", 0, 0)).effects.state == b""
    assert load(puppet) == b""


def test_a_trap_takes_a_save_back(puppet: Puppet) -> None:
    """The host is not given what a hook saved before it trapped; nor reports, nor metrics."""
    outcome = puppet.play(
        text("state.save", "lost"),
        text("report.send", "t", after=(0, 1)),
        text("metrics.counter-add", "m", after=(1,)),
        text("log.write", "kept", 2),
        DIE,
    )
    assert outcome.trap is not None
    assert outcome.effects == ((LogLine("info", "kept"),), (), (), None, 0, 0, 0)


# metrics and reports


def test_metrics_arrive_in_order(puppet: Puppet) -> None:
    """Counters over all of u64, gauges over all of f64."""
    outcome = puppet.play(
        text("metrics.counter-add", "n", after=(2**64 - 1,)),
        text("metrics.gauge-set", "größe", after=(-0.5,)),
        text("metrics.gauge-set", "inf", after=(math.inf,)),
        text("metrics.counter-add", "", after=(0,)),
    )
    assert outcome.effects.metrics == (
        CounterAdd("n", 2**64 - 1),
        GaugeSet("größe", -0.5),
        GaugeSet("inf", math.inf),
        CounterAdd("", 0),
    )


def test_names_have_at_most_256_bytes(puppet: Puppet) -> None:
    """A metric or a report with a longer name is dropped whole, and counted."""
    for symbol, after in (
        ("metrics.counter-add", (1,)),
        ("metrics.gauge-set", (1.0,)),
        ("report.send", (0, 1)),
    ):
        effects = puppet.play(text(symbol, "n" * 256, after=after)).effects
        assert len(effects.metrics) + len(effects.reports) == 1
        effects = puppet.play(text(symbol, "n" * 257, after=after)).effects
        assert (effects.metrics, effects.reports, effects.dropped) == ((), (), 1)


def test_a_report_arrives_whole(puppet: Puppet) -> None:
    """Topic as text, body as the guest's bytes, whatever they are."""
    body = bytes(range(256))
    script = poke(0x1000, body) + text("report.send", "to\npic ü", after=(0x1000, 256))
    assert puppet.play(script).effects.reports == (Report(r"to\npic ü", body),)


# pointers and lengths


@pytest.mark.parametrize(
    ("pointer", "length"),
    [
        (END, 1),
        (END - 1, 2),
        (END + 1, 0),
        (-1, 1),
        (-1, 0),
        (-8, 20),
        (0, -1),
        (0x7FFFFFFF, 0x7FFFFFFF),
        (1, -1),
    ],
)
@pytest.mark.parametrize(
    "symbol", ["log.write", "panic.report", "state.save", "metrics.counter-add", "report.send", "config.get"]
)
def test_what_is_not_in_the_guests_memory_traps(lab: Lab, symbol: str, pointer: int, length: int) -> None:
    """Also where nothing would have been copied, and where the outbox is full already."""
    before = (2,) if symbol == "log.write" else ()
    after = {"metrics.counter-add": (1,), "report.send": (0, 0), "config.get": (PLACE,)}.get(symbol, ())
    bad = call(symbol, *before, pointer, length, *after)
    assert lab.puppet().kind(bad) is PanicKind.OUT_OF_BOUNDS
    flood = call("report.send", 0, 0, 0, abi.AREA_BYTES - OVERHEAD)
    assert lab.puppet().kind(flood, bad) is PanicKind.OUT_OF_BOUNDS
    if symbol == "report.send":
        assert lab.puppet().kind(call(symbol, 0, 0, pointer, length)) is PanicKind.OUT_OF_BOUNDS


def test_an_empty_text_may_lie_at_the_very_end(puppet: Puppet) -> None:
    """The canonical ABI's bound for an empty list: the end itself."""
    assert puppet.play(call("log.write", 2, END, 0)).effects.logs == (LogLine("info", ""),)


@pytest.mark.parametrize("script", [call("state.load", 0x82), text("config.get", "key", after=(0x81,))])
def test_an_option_goes_to_an_aligned_place(lab: Lab, script: bytes) -> None:
    """The canonical ABI traps otherwise."""
    trap = lab.puppet().play(script).trap
    assert trap is not None
    assert "aligned" in trap.message


@pytest.mark.parametrize("place", [END, END - 4, END - 8, -4])
def test_an_option_needs_twelve_bytes(lab: Lab, place: int) -> None:
    """Also where it is none, and one byte would do."""
    assert lab.puppet().kind(call("state.load", place)) is PanicKind.OUT_OF_BOUNDS
    assert lab.puppet().kind(call("config.get", 0, 0, place)) is PanicKind.OUT_OF_BOUNDS
    assert lab.puppet().play(call("state.load", END - 12)).trap is None


# initialisation


def initialized(lab: Lab, *script: bytes) -> Puppet:
    """A puppet whose _initialize plays a script."""
    data = "".join(f"\\{byte:02x}" for byte in b"".join(script))
    extra = (
        f'(data (i32.const 0x8000) "{data}")'
        f'(func (export "_initialize") (call $play (i32.const 0x8000) (i32.const {len(b"".join(script))})))'
    )
    return Puppet(lab.open(lab.load(wat.puppet(extra=extra)), config={"k": "v"}, state=b"blob", seed=5))


def test_initialisation_sees_constants(lab: Lab) -> None:
    """A fixed time, no sequence, and a stream of its own: the same at each start."""
    script = [
        call("delivery.now") + keep(0x200),
        call("delivery.sequence") + keep(0x208),
        call("delivery.random") + keep(0x210),
    ]
    first, second = initialized(lab, *script), initialized(lab, *script)
    assert first.sandbox.init.trap is None
    told = first.told(tell(0x200, 24))
    assert told == second.told(tell(0x200, 24))
    assert struct.unpack("<QQ", told[0][:16]) == (abi.INIT_AT, 0)


def test_initialisation_may_look_and_log_but_not_act(lab: Lab) -> None:
    """Reports, metrics and saves would come anew with each restart: dropped and counted."""
    puppet = initialized(
        lab,
        text("log.write", "starting", 2),
        text("config.get", "k", after=(PLACE,)),
        call("state.load", PLACE),
        text("report.send", "t", after=(0, 1)),
        text("metrics.counter-add", "m", after=(1,)),
        text("state.save", "s"),
    )
    init = puppet.sandbox.init
    assert init.trap is None
    assert init.fuel > 0
    assert init.effects == ((LogLine("info", "starting"),), (), (), None, 0, 2, 1)
    assert load(puppet) == b"blob"


def test_words_of_initialisation_are_a_log_line(lab: Lab) -> None:
    """A panic.report in an _initialize that returns is not lost."""
    init = initialized(lab, text("panic.report", "nearly")).sandbox.init
    assert init.effects.logs == (LogLine("error", "nearly"),)


# grants


@pytest.mark.parametrize("capability", ["config", "metrics", "report", "state"])
def test_what_is_not_granted_is_refused_by_name(lab: Lab, capability: str) -> None:
    """The reason names the import, and what to add; granted, it is let in."""
    symbol = next(e.symbol for e in abi.CAPABILITY_IMPORTS if e.capability == capability)
    wasm = wat.guest(use=(symbol,))
    with pytest.raises(GuestRefused, match=rf'{capability}@0.1.0#.*"{capability}" is not granted'):
        lab.load(wasm, grant={"config", "metrics", "report", "state"} - {capability})
    assert lab.load(wasm, grant={capability}).hooks[0].name == wat.HOOK


def test_log_panic_delivery_and_wasi_are_always_granted(lab: Lab) -> None:
    """An observer with no grant at all may import them."""
    always = [e.symbol for e in abi.IMPORTS.values() if e.capability in abi.ALWAYS_GRANTED]
    assert lab.load(wat.guest(use=always), grant=()).hooks[0].name == wat.HOOK


def test_results_are_where_the_puppet_says(puppet: Puppet) -> None:
    """A test of the test: what a call gives is at RESULT until the next."""
    assert puppet.told(call("delivery.now"), tell(RESULT, 8), at=9) == [(9).to_bytes(8, "little")]
