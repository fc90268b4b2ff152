"""The answers to a component's imports agree with those of back.wat, whatever is asked and in what order."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox import wat
from tests.sandbox.lab import Lab, Puppet
from tests.sandbox.wat import answer, call, tell, tell_list, text
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.answers import Answers
from wasmhost.sandbox.instance import _furnish
from wasmhost.sandbox.outbox import Effects, LogLine, read_box

if TYPE_CHECKING:
    from wasmhost.sandbox.engine import SandboxEngine

PLACE = 0x80
ZEROS = 0x80000  # from here to the end of its memory, where the puppet's allocator never gets
PUPPET = wat.wasm(wat.puppet_text(wat.BY_SYMBOL, memory='(memory (export "memory") 16)'))
CONFIG = {"a": "1", "größe": "groß", "": "none", "ab": ""}
NAMES = st.one_of(st.binary(max_size=8), st.sampled_from([b"n" * size for size in (255, 256, 257, 300)]))
TEXTS = st.one_of(st.binary(max_size=12), st.sampled_from([b"t" * size for size in (4095, 4096, 4097)]))
SIZES = st.one_of(
    st.integers(0, 40), st.sampled_from([4096, 30_000, 65_523, 65_524, 65_536, 65_537, 200_000])
)
u64 = st.integers(0, 2**64 - 1)
KEYS = st.sampled_from([key.encode() for key in (*CONFIG, "b", "abc", "größ")])

calls = st.one_of(
    st.tuples(st.just("log"), st.integers(0, 4), TEXTS),
    st.tuples(st.just("panic"), TEXTS),
    st.tuples(st.just("counter"), NAMES, u64),
    st.tuples(st.just("gauge"), NAMES, st.floats(allow_nan=False)),
    st.tuples(st.just("report"), NAMES, SIZES),
    st.tuples(st.just("save"), SIZES),
    st.tuples(st.just("load")),
    st.tuples(st.just("get"), KEYS),
    st.tuples(st.sampled_from(["now", "sequence", "lost", "random"])),
)
deliveries = st.lists(st.tuples(st.lists(calls, max_size=12), u64, u64, u64, u64), min_size=1, max_size=4)


class Both:
    """One delivery as a script for the puppet, and to our answers as it grows."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.script = bytearray()

    def tell(self, words: bytes, data: bytes) -> None:
        """Have something reported, as it is here."""
        self.script += words
        self.answers.report_send(b"", data[: abi.AREA_BYTES + 1])

    def option(self, found: bytes | None) -> None:
        """Have the option at PLACE reported."""
        self.tell(tell(PLACE, 1), b"\1" if found is not None else b"\0")
        if found is not None:
            self.tell(tell_list(PLACE + 4), found)

    def log(self, level: int, words: bytes) -> None:
        """`log.write`."""
        self.script += text("log.write", words, level)
        self.answers.log_write(level, words)

    def panic(self, words: bytes) -> None:
        """`panic.report`."""
        self.script += text("panic.report", words)
        self.answers.panic_report(words)

    def counter(self, name: bytes, by: int) -> None:
        """`metrics.counter-add`."""
        self.script += text("metrics.counter-add", name, after=(by,))
        self.answers.metrics_counter_add(name, by)

    def gauge(self, name: bytes, value: float) -> None:
        """`metrics.gauge-set`."""
        self.script += text("metrics.gauge-set", name, after=(value,))
        self.answers.metrics_gauge_set(name, value)

    def report(self, topic: bytes, size: int) -> None:
        """`report.send`."""
        self.script += text("report.send", topic, after=(ZEROS, size))
        self.answers.report_send(topic, bytes(min(size, abi.AREA_BYTES + 1)))

    def save(self, size: int) -> None:
        """`state.save`."""
        self.script += call("state.save", ZEROS, size)
        self.answers.state_save(bytes(min(size, abi.AREA_BYTES + 1)), size)

    def load(self) -> None:
        """`state.load`."""
        self.script += call("state.load", PLACE)
        self.option(self.answers.state_load())

    def get(self, key: bytes) -> None:
        """`config.get`."""
        self.script += text("config.get", key, after=(PLACE,))
        self.option(self.answers.config_get(key))

    def number(self, function: str) -> None:
        """`delivery.…`."""
        self.script += call(f"delivery.{function}")
        found = getattr(self.answers, f"delivery_{function}")()
        self.tell(answer(), struct.pack("<Q", found))


@given(script=deliveries)
@settings(max_examples=120, deadline=None)
def test_answers_agree_with_the_airlock(engine: SandboxEngine, script: list[tuple[Any, ...]]) -> None:
    """What a delivery leaves in the box, effect for effect, and what it was told, delivery after delivery."""
    box = memoryview(bytearray(abi.BOX_BYTES))
    _furnish(box, CONFIG, b"first")
    answers = Answers(box)
    with Lab(engine) as lab:
        puppet = Puppet(lab.open(PUPPET, config=CONFIG, state=b"first"))
        for asked, at, seq, lost, seed in script:
            abi.HEADER_IN.pack_into(box, 0, 1, 0, at, seq, lost, seed)
            answers.begin()
            both = Both(answers)
            for name, *arguments in asked:
                if name in {"now", "sequence", "lost", "random"}:
                    both.number(name)
                else:
                    getattr(both, name)(*arguments)
            outcome = puppet.play(bytes(both.script), at=at, seq=seq, lost=lost, seed=seed)
            assert outcome.trap is None
            assert outcome.effects == expected(box)


def expected(box: memoryview) -> Effects:
    """What our answers left."""
    left = read_box(box)
    if not left.panic:
        return left.effects
    return left.effects._replace(logs=(*left.effects.logs, LogLine("error", left.panic)))


def test_numbers_are_those_of_splitmix64() -> None:
    """The first ones for the seed 1234567, as published."""
    answers = Answers(memoryview(bytearray(abi.BOX_BYTES)))
    answers._random, answers._random_ready = 1234567, True
    assert [answers.delivery_random() for _ in range(3)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]
