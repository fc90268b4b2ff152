"""Whatever a guest gives an import, the outcome is a trap or a success: no exception, no crash."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.sandbox import wat
from tests.sandbox.lab import FALLIBLE, INFALLIBLE, Lab
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.airlock import abi

if TYPE_CHECKING:
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.instance import Outcome

MEMORY = 8 * 64 * 1024
# Where it gets interesting: the ends of the memory, of the areas of the box, and of 32 bits.
EDGES = sorted(
    {
        (edge + step) & 0xFFFFFFFF
        for edge in (0, 256, 4096, 65536, 65536 - 12, MEMORY, 2**31, 2**32, abi.BOX_BYTES, MEMORY - 65536)
        for step in (-13, -12, -8, -4, -2, -1, 0, 1, 4, 12)
    }
)
u32 = st.one_of(st.sampled_from(EDGES), st.integers(0, 2**32 - 1), st.integers(0, 64))
u64 = st.one_of(st.sampled_from([0, 1, 2**63, 2**64 - 1]), st.integers(0, 2**64 - 1))
NUMBERS = {"i32": u32, "i64": u64, "f64": st.floats(width=64)}


def _call(entry: abi.Import) -> st.SearchStrategy[bytes]:
    arguments = st.tuples(*[NUMBERS[core] for core in entry.params])
    return arguments.map(lambda values: wat.call(entry.symbol, *values))


calls = st.sampled_from(tuple(abi.IMPORTS.values())).flatmap(_call)
# Our own imports more often: there are few of them among 58.
own_calls = st.sampled_from(abi.CAPABILITY_IMPORTS).flatmap(_call)
pokes = st.builds(
    lambda at, words: wat.poke(at, struct.pack(f"<{len(words)}I", *words)),
    st.integers(0, 65536 - 128),
    st.lists(u32, max_size=24),
)
scripts = st.lists(st.one_of(own_calls, calls, pokes), min_size=1, max_size=12)


def sound(outcome: Outcome) -> None:
    """What holds of any outcome."""
    effects = outcome.effects
    assert effects.state is None or len(effects.state) <= abi.AREA_BYTES
    assert sum(len(report.body) for report in effects.reports) <= abi.AREA_BYTES
    texts = [line.text for line in effects.logs] + [report.topic for report in effects.reports]
    texts += [metric.name for metric in effects.metrics]
    if outcome.error is not None:
        texts.append(outcome.error)
    if outcome.trap is not None:
        assert isinstance(outcome.trap.kind, PanicKind)
        assert (effects.reports, effects.metrics, effects.state, outcome.error) == ((), (), None, None)
        texts += [outcome.trap.message, *outcome.trap.backtrace]
    assert all(len(text) <= abi.TEXT_BYTES and text.isprintable() for text in texts)


@given(script=scripts, hook=st.sampled_from((INFALLIBLE, FALLIBLE)), at=u64, seed=u64)
@example([wat.call("state.load", MEMORY - 4)], INFALLIBLE, 0, 0)
@example([wat.call("report.send", 0, 256, 0, 0xFFFFFFFF)], INFALLIBLE, 0, 0)
@example([wat.call("wasi.fd_write", 1, 0, 0xFFFFFFFF, 0)], INFALLIBLE, 0, 0)
@settings(max_examples=500, deadline=None)
def test_any_call_of_any_import_is_survived(
    engine: SandboxEngine, script: list[bytes], hook: int, at: int, seed: int
) -> None:
    """Any import, any arguments, several in a row, with or without an error at the end."""
    with Lab(engine) as lab:
        puppet = lab.puppet(config={"k": "v", "": "x" * 3000}, state=b"blob" * 1000)
        outcome = puppet.play(*script, hook=hook, at=at, seed=seed)
        sound(outcome)
        if outcome.trap is None:
            sound(puppet.play(*script, hook=hook, at=at, seed=seed))


@given(result=st.binary(min_size=12, max_size=12), place=u32)
@settings(max_examples=100, deadline=None)
def test_any_result_is_survived(engine: SandboxEngine, result: bytes, place: int) -> None:
    """Whatever a fallible hook returns, and wherever it says it is."""
    wasm = wat.guest(
        """(memory.copy (i32.const 0x100) (local.get $p) (i32.const 12))
        (if (result i32) (i32.eq (local.get $n) (i32.const 12)) (then (i32.const 0x100))
          (else (i32.load offset=12 (local.get $p))))""",
        on="on_start",
    )
    with Lab(engine) as lab:
        sound(lab.deliver(wasm, result))
        sound(lab.deliver(wasm, result + struct.pack("<I", place)))


@given(pointers=st.lists(u32, min_size=2, max_size=2), length=st.sampled_from((0, 1, 74, 65536)))
@settings(max_examples=100, deadline=None)
def test_any_allocator_is_survived(engine: SandboxEngine, pointers: list[int], length: int) -> None:
    """Whatever cabi_realloc gives, for the event and for an import's answer."""
    wasm = _allocating()
    with Lab(engine) as lab:
        puppet = lab.open(wasm, state=b"s" * length)
        # The first delivery says what cabi_realloc gives from then on.
        assert puppet.deliver(0, struct.pack("<II", *pointers)).trap is None
        sound(puppet.deliver(0, bytes(length)))


def _allocating() -> bytes:
    """Takes from its first event what its cabi_realloc is to give afterwards, in turn."""
    return wat.guest(
        """(if (i32.eqz (global.get $first)) (then
          (global.set $one (i32.load (local.get $p))) (global.set $two (i32.load offset=4 (local.get $p)))
          (global.set $first (i32.const 1)) (return)))
        (call $state.load (i32.const 0x100))""",
        use=("state.load",),
        realloc="""(global $first (mut i32) (i32.const 0))
        (global $one (mut i32) (i32.const 1024)) (global $two (mut i32) (i32.const 0))
        (global $turn (mut i32) (i32.const 0))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
          (global.set $turn (i32.xor (global.get $turn) (i32.const 1)))
          (if (i32.or (i32.eqz (global.get $first)) (i32.eqz (global.get $turn)))
            (then (return (global.get $one))))
          (global.get $two))""",
    )
