"""A sandbox's life: isolation, replay, and what may not be done with it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sandbox import wat
from tests.sandbox.lab import Lab
from wasmhost.config import Limits
from wasmhost.errors import InternalError
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.instance import Outcome, Sandbox
from wasmhost.sandbox.outbox import NO_EFFECTS

if TYPE_CHECKING:
    from wasmhost.sandbox.engine import SandboxEngine

COUNTER = wat.guest(
    "(global.set $n (i32.add (global.get $n) (i32.const 1)))"
    "(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))"
    "(call $metrics.counter-add (i32.const 0) (i32.const 0) (i64.add"
    " (i64.extend_i32_u (global.get $n))"
    " (i64.extend_i32_u (i32.mul (i32.const 100) (i32.load (i32.const 0))))))",
    use=("metrics.counter-add",),
    extra="(global $n (mut i32) (i32.const 0))",
)

# Folds the event, and all else a guest can learn, into a number it keeps, and tells it three ways.
MIXER = wat.guest(
    """
    (block $done (loop $next
      (br_if $done (i32.eqz (local.get $n)))
      (global.set $sum (i64.mul (i64.xor (global.get $sum) (i64.load8_u (local.get $p)))
                                (i64.const 0x100000001b3)))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $next)))
    (global.set $sum (i64.xor (i64.rotl (global.get $sum) (i64.const 7)) (call $delivery.random)))
    (global.set $sum (i64.xor (i64.rotl (global.get $sum) (i64.const 7)) (call $delivery.now)))
    (global.set $sum (i64.xor (i64.rotl (global.get $sum) (i64.const 7)) (call $delivery.lost)))
    (global.set $sum (i64.xor (i64.rotl (global.get $sum) (i64.const 7)) (call $delivery.sequence)))
    (i64.store (i32.const 8) (global.get $sum))
    (call $report.send (i32.const 0) (i32.const 0) (i32.const 8) (i32.const 8))
    (call $state.save (i32.const 8) (i32.const 8))
    (call $metrics.gauge-set (i32.const 0) (i32.const 0) (f64.convert_i64_s (global.get $sum)))
    (if (i64.eqz (i64.and (global.get $sum) (i64.const 15))) (then unreachable))
    """,
    use=(
        "delivery.random",
        "delivery.now",
        "delivery.lost",
        "delivery.sequence",
        "report.send",
        "state.save",
        "metrics.gauge-set",
    ),
    extra="(global $sum (mut i64) (i64.const 0xcbf29ce484222325))",
)

u64 = st.integers(0, 2**64 - 1)
deliveries = st.lists(st.tuples(st.binary(max_size=300), u64, u64, u64, u64), min_size=1, max_size=8)


def count(outcome: Outcome) -> int:
    """What COUNTER told."""
    (metric,) = outcome.effects.metrics
    return int(metric[1])


def test_a_quiet_delivery_leaves_nothing(lab: Lab) -> None:
    """No effects, no error, no trap, and the exact fuel."""
    sandbox = lab.open(wat.guest())
    outcomes = {sandbox.deliver(0, b"x" * 74) for _ in range(5)}
    assert len(outcomes) == 1
    (outcome,) = outcomes
    assert outcome.effects is NO_EFFECTS
    assert (outcome.error, outcome.trap) == (None, None)
    assert 0 < outcome.fuel < 1000


def test_fuel_is_exact(lab: Lab) -> None:
    """What it costs is always the same, enough as a budget, and never more than the budget.

    The engine looks at calls and loops only, so a few units too few may pass, and are all charged.
    """
    wasm = wat.guest("(loop $l (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))")
    event = bytes(50)
    cost = lab.deliver(wasm, event).fuel
    outcomes = {it: lab.deliver(wasm, event, limits=Limits(fuel=it)) for it in range(1, cost + 9, 4)}
    assert all(outcome.fuel <= budget for budget, outcome in outcomes.items())
    assert {outcome.fuel for budget, outcome in outcomes.items() if budget >= cost} == {cost}
    assert all(outcome.trap is None for budget, outcome in outcomes.items() if budget >= cost)
    assert all(outcome.trap is not None for budget, outcome in outcomes.items() if budget < cost - 99)


def test_every_delivery_has_its_own_budget(lab: Lab) -> None:
    """What one leaves over does not help the next, and what it used does not hurt it."""
    wasm = wat.guest(
        "(local.set $p (i32.const 100))"
        "(loop $l (br_if $l (local.tee $p (i32.sub (local.get $p) (i32.const 1)))))"
    )
    sandbox = lab.open(wasm, limits=Limits(fuel=lab.deliver(wasm).fuel))
    assert [sandbox.deliver(0, b"event").trap for _ in range(50)] == [None] * 50


def test_events_of_every_size_arrive(lab: Lab) -> None:
    """From none to 64 KiB, byte for byte."""
    echo = lab.open(wat.guest("(call $state.save (local.get $p) (local.get $n))", use=("state.save",)))
    for size in (0, 1, 74, 4096, abi.AREA_BYTES - 1, abi.AREA_BYTES):
        event = bytes(index * 7 % 251 for index in range(size))
        assert echo.deliver(0, event).effects.state == event


def test_an_event_that_is_too_large_is_refused(lab: Lab) -> None:
    """The host lets none through; were there one, no byte of it would go anywhere."""
    sandbox = lab.open(wat.guest())
    with pytest.raises(ValueError, match="memoryview assignment"):
        sandbox.deliver(0, bytes(abi.AREA_BYTES + 1))
    with pytest.raises(InternalError, match="closed"):
        sandbox.deliver(0, b"")


def test_two_sandboxes_of_a_guest_share_nothing(lab: Lab) -> None:
    """Neither memory nor globals nor state, and one's trap is no other's."""
    guest = lab.load(COUNTER)
    one, two = lab.open(guest), lab.open(guest)
    assert [count(one.deliver(0, b"")) for _ in range(3)] == [101, 202, 303]
    assert count(two.deliver(0, b"")) == 101
    assert count(one.deliver(0, b"")) == 404
    one.close()
    assert count(two.deliver(0, b"")) == 202
    assert count(lab.open(guest).deliver(0, b"")) == 101


def test_state_and_config_are_a_sandboxs_own(lab: Lab) -> None:
    """What one was given or saved, another does not see."""
    one, two = lab.puppet(state=b"one", config={"k": "1"}), lab.puppet(config={"k": "2"})
    one.play(wat.text("state.save", "changed"))
    load = (wat.call("state.load", 0x80), wat.tell(0x80, 1))
    assert (one.told(*load), two.told(*load)) == ([b"\1"], [b"\0"])
    get = (wat.text("config.get", "k", after=(0x80,)), wat.tell_list(0x84))
    assert (one.told(*get), two.told(*get)) == ([b"1"], [b"2"])


@given(script=deliveries)
@settings(max_examples=60, deadline=None)
def test_a_replay_is_exact(engine: SandboxEngine, script: list[tuple[bytes, int, int, int, int]]) -> None:
    """The same deliveries to a fresh sandbox have the same outcomes, fuel and traps included."""

    def play() -> list[Outcome]:
        outcomes: list[Outcome] = []
        with Lab(engine) as lab:
            sandbox = lab.open(MIXER)
            for event, at, seq, lost, seed in script:
                outcomes.append(sandbox.deliver(0, event, at, seq, lost, seed))
                if outcomes[-1].trap is not None:
                    break
        return outcomes

    first = play()
    assert play() == first
    assert first[-1].trap is not None or first[-1].effects.state is not None


def test_a_closed_sandbox_is_closed(lab: Lab) -> None:
    """It raises, also when its deadline has to be armed anew, and does not crash."""
    sandbox = lab.open(wat.guest())
    sandbox.deliver(0, b"x")
    sandbox.close()
    sandbox.close()
    for armed_at in (0, 1 << 62):  # the deadline is due, and not
        sandbox._armed_at = armed_at
        with pytest.raises(InternalError, match="closed"):
            sandbox.deliver(0, b"x")


def test_a_sandbox_that_trapped_is_closed(lab: Lab) -> None:
    """A guest stopped in the middle of something is not gone on with."""
    sandbox = lab.open(wat.guest("(if (local.get $n) (then unreachable))"))
    assert sandbox.deliver(0, b"").trap is None
    assert sandbox.deliver(0, b"x").trap is not None
    with pytest.raises(InternalError, match="closed"):
        sandbox.deliver(0, b"")


def test_re_entry_is_refused(lab: Lab) -> None:
    """While a delivery runs, a second one, and a close, are refused; the first one is not disturbed."""
    wasm = wat.guest(
        "(loop $l (br_if $l (i32.eqz (i32.load8_u (local.get $p)))))"  # until somebody overwrites the event
    )
    sandbox = lab.open(wasm, limits=Limits(fuel=10**12, deadline_ms=300))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(sandbox.deliver, 0, b"\0 first")
        while not sandbox._cell._shut:
            pass
        sandbox._armed_at = 1 << 62
        with pytest.raises(InternalError, match="running already"):
            sandbox.deliver(0, b"\1 second")
        sandbox._armed_at = 0
        with pytest.raises(InternalError, match="running already"):
            sandbox.deliver(0, b"\1 second")
        with pytest.raises(InternalError, match="cannot be closed"):
            sandbox.close()
        trap = running.result().trap
    assert trap is not None
    assert trap.kind is PanicKind.DEADLINE


def test_sandboxes_run_beside_each_other(lab: Lab) -> None:
    """Many threads, a sandbox each, of one guest: each counts its own."""
    guest = lab.load(COUNTER)

    def run() -> int:
        with Sandbox(lab.engine, guest, Limits()) as sandbox:
            return [count(sandbox.deliver(0, b"event")) for _ in range(500)][-1]

    with ThreadPoolExecutor(4) as pool:
        assert [f.result() for f in [pool.submit(run) for _ in range(8)]] == [50_500] * 8


def test_a_sandbox_may_move_between_threads(lab: Lab) -> None:
    """Made here, used there, closed elsewhere: one at a time is all that is asked."""
    sandbox = lab.open(COUNTER)
    counts: list[int] = []
    for _ in range(5):
        thread = threading.Thread(target=lambda: counts.append(count(sandbox.deliver(0, b""))))
        thread.start()
        thread.join()
    closer = threading.Thread(target=sandbox.close)
    closer.start()
    closer.join()
    assert counts == [101, 202, 303, 404, 505]


def test_what_cannot_be_furnished_leaves_nothing_behind(lab: Lab) -> None:
    """A state over its area is the host's fault; the store is freed before that is said."""
    with pytest.raises(InternalError, match="larger than its area"):
        lab.open(wat.guest(), state=bytes(abi.AREA_BYTES + 1))
