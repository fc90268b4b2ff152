"""What each capability does in a component: the same as in the airlock, call for call.

Where it can be told by a script, both lanes play it, and what they leave is compared whole.
"""

from __future__ import annotations

import json
import math
import struct
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox import wat
from tests.sandbox.lab import FALLIBLE, INFALLIBLE, Lab
from tests.sandbox.wat import SCRATCH, answer, call, poke, tell, tell_list, text
from wasmhost.errors import InternalError
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.outbox import MAX_LINES, CounterAdd, GaugeSet, LogLine, Report

if TYPE_CHECKING:
    from wasmhost.sandbox.instance import Outcome

PLACE = 0x80
OVERHEAD = abi.RECORD.size


class Pair:
    """A puppet in each lane."""

    def __init__(self, lab: Lab, **settings: Any) -> None:
        self.core, self.component = lab.puppet(**settings), lab.component_puppet(**settings)

    def play(self, *script: bytes, **header: int) -> Outcome:
        """Play a script in both; what they leave, which must be the same but for the fuel."""
        core, component = (lane.play(*script, **header) for lane in (self.core, self.component))
        assert component[1:3] == core[1:3]
        assert (component.trap is None) == (core.trap is None)
        if component.trap is not None and core.trap is not None:
            assert (component.trap.kind, component.trap.message) == (core.trap.kind, core.trap.message)
        return component

    def told(self, *script: bytes, **header: int) -> list[bytes]:
        """Play a script that must not trap; what it told."""
        outcome = self.play(*script, **header)
        assert outcome.trap is None
        return [report.body for report in outcome.effects.reports]


@pytest.fixture
def pair(lab: Lab) -> Pair:
    """A fresh puppet in each lane."""
    return Pair(lab)


def get(pair: Pair, key: str) -> bytes | None:
    """Ask for a key of the configuration."""
    return option(pair, text("config.get", key, after=(PLACE,)))


def option(pair: Pair, *script: bytes) -> bytes | None:
    """Play a script that leaves an option at PLACE; what the option holds."""
    (case,) = pair.told(*script, tell(PLACE, 1))
    return pair.told(*script, tell_list(PLACE + 4))[0] if case == b"\1" else None


# log and panic


def test_log_lines_arrive_in_order_with_their_levels(pair: Pair) -> None:
    """Every level, text that is not ASCII, none, and what is not fit to be shown."""
    levels = ("trace", "debug", "info", "warn", "error")
    script = [text("log.write", f"hé {level} 🦀", number) for number, level in enumerate(levels)]
    outcome = pair.play(*script, text("log.write", "", 2), text("log.write", "a\x1b[2J\nb\0", 2))
    shown = [LogLine(level, f"hé {level} 🦀") for level in levels]
    assert outcome.effects.logs == (*shown, LogLine("info", ""), LogLine("info", r"a\x1b[2J\nb\x00"))


@pytest.mark.parametrize(
    "words", ["a" * 4096, "a" * 4097, "é" * 3000, "aé" * 2000, "🦀" * 2000, "ab🦀" * 3000]
)
def test_text_is_cut_at_4096_bytes(pair: Pair, words: str) -> None:
    """At a character's border: a log line, a panic's words, an error."""
    (line,) = pair.play(text("log.write", words, 2)).effects.logs
    assert len(line.text.encode()) <= 4096
    assert words.startswith(line.text)
    (line,) = pair.play(text("panic.report", words)).effects.logs
    assert (line.level, line.text) == ("error", line.text)
    data = words.encode()
    result = poke(SCRATCH, struct.pack("<B3xII", 1, 0x1000, len(data)))
    assert pair.play(poke(0x1000, data), result, hook=FALLIBLE).error == line.text


def test_what_does_not_fit_the_outbox_is_counted(pair: Pair) -> None:
    """Line by line as in back.wat; and the next delivery begins with an empty one."""
    line, small = call("log.write", 1, SCRATCH, 4096), call("log.write", 1, SCRATCH, 1024)
    effects = pair.play(line * 20, small * 6, call("report.send", SCRATCH, 1, SCRATCH, 2048)).effects
    assert (len(effects.logs), effects.logs_dropped, effects.dropped) == (18, 8, 1)
    assert pair.play(line).effects.logs_dropped == 0


def test_the_outbox_can_be_filled_to_its_last_byte(pair: Pair) -> None:
    """And not a byte further."""
    size = abi.AREA_BYTES - OVERHEAD
    for extra, count in ((0, 1), (1, 0)):
        effects = pair.play(call("report.send", 0, 0, 0, size + extra)).effects
        assert (len(effects.reports), effects.dropped) == (count, 1 - count)


def test_more_lines_than_anybody_reads_are_counted(pair: Pair) -> None:
    """A flood costs the host little."""
    assert len(pair.play(call("log.write", 1, SCRATCH, 1) * 1000).effects.logs) == MAX_LINES


def test_the_last_words_are_the_panics(pair: Pair) -> None:
    """Also where the outbox is full; after them the guest gave up."""
    flood = call("report.send", 0, 0, 0, abi.AREA_BYTES - OVERHEAD)
    outcome = pair.play(flood, text("panic.report", "first"), text("panic.report", "la\x1bst ü"), wat.DIE)
    assert outcome.trap is not None
    assert outcome.trap.message == r"la\x1bst ü"


# delivery


@pytest.mark.parametrize("value", [0, 1, 1_700_000_000_000_000_000, 2**63, 2**64 - 1])
def test_a_guest_knows_its_delivery(pair: Pair, value: int) -> None:
    """Time, sequence and losses are the host's, over their whole range."""
    for function, field in (("now", "at"), ("sequence", "seq"), ("lost", "lost")):
        (told,) = pair.told(call(f"delivery.{function}"), answer(), **{field: value})
        assert int.from_bytes(told, "little") == value


@pytest.mark.parametrize(("seed", "seq"), [(0, 0), (7, 3), (2**64 - 1, 2**64 - 1), (1, 2**63)])
def test_random_numbers_are_the_same_in_both_lanes(pair: Pair, seed: int, seq: int) -> None:
    """And begin anew with each delivery."""
    script = (call("delivery.random") + answer()) * 5
    first = pair.told(script, seed=seed, seq=seq)
    assert len(set(first)) == 5
    assert pair.told(script, seed=seed, seq=seq) == first
    assert pair.told(script, seed=seed ^ 1, seq=seq) != first


# config


def test_config_is_looked_up(lab: Lab) -> None:
    """Present, absent, empty on either side, a prefix, and what is not ASCII."""
    table = {"threshold": "0.3", "empty": "", "": "no key", "größe": "groß 🦀", "thresh": "other"}
    pair = Pair(lab, config=table)
    for key, value in table.items():
        assert get(pair, key) == value.encode()
    for key in ("absent", "threshol", "threshold2", "Empty", "grösse", "k" * 60_000):
        assert get(pair, key) is None
    assert get(Pair(lab), "threshold") is None


def test_a_config_of_16_kib_fits(lab: Lab) -> None:
    """To the last byte; a larger one is the host's fault, and no sandbox is made."""
    value = "v" * (abi.CONFIG_BYTES - 2 * abi.CONFIG_ENTRY.size - 2)
    assert get(Pair(lab, config={"a": "", "b": value}), "b") == value.encode()
    with pytest.raises(InternalError, match="larger than its area"):
        lab.component_puppet(config={"a": "", "b": value + "x"})


# state


@pytest.mark.parametrize("blob", [None, b"", b"blob", bytes(range(256)) * 16])
def test_state_is_loaded_as_it_was_kept(lab: Lab, blob: bytes | None) -> None:
    """No blob, an empty one, and bytes of every value."""
    assert option(Pair(lab, state=blob), call("state.load", PLACE)) == blob


def test_a_full_state_is_loaded(lab: Lab) -> None:
    """64 KiB of it."""
    script = (call("state.load", PLACE), tell(PLACE, 12))
    (told,) = Pair(lab, state=b"x" * abi.AREA_BYTES).told(*script)
    assert (told[0], struct.unpack("<I", told[8:])[0]) == (1, abi.AREA_BYTES)


def test_a_save_is_seen_by_the_same_delivery_and_later_ones(pair: Pair) -> None:
    """And given to the host once, with the last value."""
    saves = (text("state.save", "one"), text("state.save", "two"))
    outcome = pair.play(*saves, call("state.load", PLACE), tell_list(PLACE + 4))
    assert (outcome.effects.state, outcome.effects.reports) == (b"two", (Report("", b"two"),))
    assert pair.play().effects.state is None
    assert option(pair, call("state.load", PLACE)) == b"two"


def test_a_blob_over_64_kib_is_refused_and_counted(pair: Pair) -> None:
    """The old one stays; one of exactly 64 KiB is kept, and so is an empty one."""
    assert len(pair.play(call("state.save", 0, abi.AREA_BYTES)).effects.state or b"") == abi.AREA_BYTES
    effects = pair.play(text("state.save", "kept"), call("state.save", 0, abi.AREA_BYTES + 1)).effects
    assert (effects.state, effects.state_refused) == (b"kept", 1)
    assert pair.play(call("state.save", 0, 200_000)).effects.state_refused == 1
    assert option(pair, call("state.load", PLACE)) == b"kept"
    assert pair.play(call("state.save", 0, 0)).effects.state == b""
    assert option(pair, call("state.load", PLACE)) == b""


def test_a_trap_takes_a_save_back(pair: Pair) -> None:
    """Nor are there reports or metrics."""
    script = (
        text("state.save", "lost"),
        text("report.send", "t", after=(0, 1)),
        text("metrics.counter-add", "m", after=(1,)),
        text("log.write", "kept", 2),
    )
    assert pair.play(*script, wat.DIE).effects == ((LogLine("info", "kept"),), (), (), None, 0, 0, 0)


# metrics and reports


def test_metrics_arrive_in_order(pair: Pair) -> None:
    """Counters over all of u64, gauges over all of f64."""
    values = (-0.5, -0.0, math.inf, -math.inf, 5e-324, 1.7976931348623157e308)
    gauges = [text("metrics.gauge-set", f"größe {value}", after=(value,)) for value in values]
    numbers = (0, 1, 2**63, 2**64 - 1)
    counters = [text("metrics.counter-add", "", after=(number,)) for number in numbers]
    assert pair.play(*gauges, *counters).effects.metrics == (
        *(GaugeSet(f"größe {value}", value) for value in values),
        *(CounterAdd("", number) for number in numbers),
    )
    (gauge,) = pair.play(text("metrics.gauge-set", "zero", after=(-0.0,))).effects.metrics
    assert math.copysign(1, gauge[1]) == -1


def test_no_number_is_one_too(lab: Lab) -> None:
    """Equal to nothing, so it is looked for."""
    (gauge,) = lab.component_puppet().play(text("metrics.gauge-set", "n", after=(math.nan,))).effects.metrics
    assert math.isnan(gauge[1])


@pytest.mark.parametrize("symbol", ["metrics.counter-add", "metrics.gauge-set", "report.send"])
@pytest.mark.parametrize("name", ["n" * 256, "n" * 257, "ü" * 128, "ü" * 129, "n" * 60_000])
def test_names_have_at_most_256_bytes(pair: Pair, symbol: str, name: str) -> None:
    """A metric or a report with a longer name is dropped whole, and counted."""
    after = {"metrics.counter-add": (1,), "metrics.gauge-set": (1.0,), "report.send": (0, 1)}[symbol]
    effects = pair.play(text(symbol, name, after=after)).effects
    fits = len(name.encode()) <= 256
    assert (len(effects.metrics) + len(effects.reports), effects.dropped) == (fits, not fits)


def test_a_report_arrives_whole(pair: Pair) -> None:
    """Topic as text, body as the guest's bytes, whatever they are; none, too."""
    script = poke(0x1000, bytes(range(256))) + text("report.send", "to\npic ü", after=(0x1000, 256))
    assert pair.play(script).effects.reports == (Report(r"to\npic ü", bytes(range(256))),)
    assert pair.play(call("report.send", 0, 0, 0, 0)).effects.reports == (Report("", b""),)


def test_an_error_is_given_as_text(pair: Pair) -> None:
    """Whatever its language; ok is none, and so is what an infallible hook gives."""
    for words in ("", "no", "größer als 🦀"):
        result = poke(SCRATCH, struct.pack("<B3xII", 1, 0x1000, len(words.encode())))
        assert pair.play(poke(0x1000, words.encode()), result, hook=FALLIBLE).error == words
        assert pair.play(poke(SCRATCH, bytes(4)), hook=FALLIBLE).error is None
        assert pair.play(hook=INFALLIBLE).error is None


def test_text_that_is_no_utf8_is_where_the_lanes_differ(lab: Lab) -> None:
    """The canonical ABI traps on it, and the engine holds components to that; the airlock shows it."""
    script = text("log.write", b"a\xff", 2)
    assert lab.puppet().play(script).effects.logs == (LogLine("info", r"a\xff"),)
    trap = lab.component_puppet().play(script).trap
    assert trap is not None
    assert "invalid utf-8" in trap.message


# floods: what the engine copies before our callback sees any of it

REFUSED = "other"  # over the engine's bound for what one call may have copied
STOPPED = "out_of_fuel"
TAKEN = None
BODY = "(i32.const 0) (i32.const 0) (i32.const 0) (i32.const {})"
TOPIC = "(i32.const 0) (i32.const {}) (i32.const 0) (i32.const 0)"

FLOODS = {
    # What is called, with how much, how often; how it may end.
    "a list of 60 MiB": (
        "report.send",
        BODY,
        60,
        1,
        REFUSED,
    ),
    "a blob of 60 MiB": ("state.save", "(i32.const 0) (i32.const {})", 60, 1, REFUSED),
    "a list of 1 MiB": (
        "report.send",
        BODY,
        1,
        1,
        TAKEN,
    ),
    "a topic of 60 MiB": (
        "report.send",
        TOPIC,
        60,
        1,
        TAKEN,
    ),
    "60 MiB of log": ("log.write", "(i32.const 1) (i32.const 0) (i32.const {})", 60, 1, TAKEN),
    "60 MiB of log, often": ("log.write", "(i32.const 1) (i32.const 0) (i32.const {})", 60, 500, STOPPED),
}


@pytest.mark.parametrize(("symbol", "arguments", "mib", "times", "end"), FLOODS.values(), ids=FLOODS)
def test_a_flood_is_bounded(symbol: str, arguments: str, mib: int, times: int, end: str | None) -> None:
    """In memory by the engine's own bound for one call, in time by fuel."""
    body = f"(call ${symbol} {arguments.format(mib * 1024 * 1024)})" * times
    code = f"""
        import json, resource, time
        from tests.sandbox import wat_component as wc
        from wasmhost.config import Limits
        from wasmhost.sandbox.engine import SandboxEngine
        from wasmhost.sandbox.guest import load_guest
        from wasmhost.sandbox.instance import Sandbox
        engine, limits = SandboxEngine(), Limits(deadline_ms=10_000)
        wasm = wc.guest({body!r}, use=({symbol!r},), memory='(memory (export "memory") 1010)')
        guest = load_guest(engine, wasm, limits, grant=({symbol.split(".")[0]!r},))
        sandbox = Sandbox(engine, guest, limits)
        peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        before, begin = peak(), time.monotonic()
        outcome = sandbox.deliver(0, b"x")
        took = time.monotonic() - begin
        print(json.dumps([peak() - before, took, outcome.trap and outcome.trap.kind]))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    peak, took, kind = json.loads(done.stdout)
    assert peak < 256
    assert took < 10
    assert kind == end
