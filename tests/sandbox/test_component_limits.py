"""What a component may take, that it is given back, and what may not be done with its sandbox."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox import wat
from tests.sandbox import wat_component as wc
from tests.sandbox.test_instance import count
from wasmhost.config import Limits
from wasmhost.errors import GuestRefused, InternalError
from wasmhost.host import scheduler
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.answers import Answers
from wasmhost.sandbox.engine import SandboxEngine
from wasmhost.sandbox.guest import load_guest
from wasmhost.sandbox.instance import Sandbox
from wasmhost.sandbox.outbox import NO_EFFECTS

if TYPE_CHECKING:
    from tests.sandbox.lab import Lab
    from wasmhost.sandbox.traps import TrapReport

COUNTER = wc.guest(
    "(global.set $n (i32.add (global.get $n) (i32.const 1)))"
    "(i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))"
    "(call $metrics.counter-add (i32.const 64) (i32.const 0) (i64.add"
    " (i64.extend_i32_u (global.get $n))"
    " (i64.extend_i32_u (i32.mul (i32.const 100) (i32.load (i32.const 0))))))",
    use=("metrics.counter-add",),
    extra="(global $n (mut i32) (i32.const 0))",
)
ECHO = wc.guest("(call $state.save (local.get $p) (local.get $n))", use=("state.save",))


def refused(lab: Lab, wasm: bytes, limits: Limits) -> str:
    """Start a component that must be refused for what it asks for; the reason."""
    with pytest.raises(GuestRefused) as caught:
        lab.open(lab.load(wasm, limits=limits), limits=limits)
    reason = str(caught.value)
    assert reason.isprintable()
    return reason


# what the engine holds it to


def test_a_memory_over_its_limit_is_refused(lab: Lab) -> None:
    """At the start; and one that grows over it is told that it did not."""
    wasm = wc.guest(memory='(memory (export "memory") 17)')
    assert "memory minimum size of 17 pages exceeds memory limits" in refused(lab, wasm, Limits(memory_mib=1))
    grow = """(call $metrics.counter-add (i32.const 0) (i32.const 0)
      (i64.extend_i32_s (memory.grow (i32.const {}))))"""
    limits = Limits(memory_mib=1)
    for pages, told in ((8, 8), (9, 2**64 - 1)):
        wasm = wc.guest(grow.format(pages), use=("metrics.counter-add",))
        sandbox = lab.open(lab.load(wasm, limits=limits), limits=limits)
        assert count(sandbox.deliver(0, b"")) == told


def test_a_table_over_its_limit_is_refused(lab: Lab) -> None:
    """Likewise."""
    wasm = wc.guest(extra="(table 500 funcref)")
    assert "table limits" in refused(lab, wasm, Limits(table_elements=499))
    limits = Limits(table_elements=500)
    assert lab.open(lab.load(wasm, limits=limits), limits=limits).deliver(0, b"").trap is None


def test_its_memories_are_counted(lab: Lab) -> None:
    """As many as a guest in JavaScript has: the limit is for each, so there are no more."""
    another = "(core instance (instantiate $m))"
    inner = "(component $c (core module $m (memory 1)) (core instance (instantiate $m)))"
    for four, five in (
        (wc.guest(after="(core module $m (memory 1))" + another * more) for more in (3, 4)),
        (wc.guest(after=inner + "(instance (instantiate $c))" * more) for more in (3, 4)),
        (wc.guest(memory=wat.MEMORY + "(memory 8)" * more) for more in (3, 4)),
    ):
        assert lab.deliver(four).trap is None
        assert "memory count too high" in refused(lab, five, Limits())


@pytest.mark.parametrize(("count", "fits"), [(150, True), (250, False)])
def test_its_instances_are_counted(lab: Lab, count: int, fits: bool) -> None:
    """componentize-py links some twenty; a thousand is no observer."""
    instances = "(core module $m)" + "(core instance (instantiate $m))" * count
    wasm = wc.guest(after=instances)
    if fits:
        assert lab.deliver(wasm).trap is None
    else:
        assert "instance count too high" in refused(lab, wasm, Limits())


@pytest.mark.parametrize(("count", "fits"), [(15, True), (25, False)])
def test_its_tables_are_counted(lab: Lab, count: int, fits: bool) -> None:
    """The elements of each are limited, so their number is."""
    wasm = wc.guest(extra="(table 1 funcref)" * count)
    if fits:
        assert lab.deliver(wasm).trap is None
    else:
        assert "table count too high" in refused(lab, wasm, Limits())


# events


def test_events_of_every_size_arrive(lab: Lab) -> None:
    """From none to 64 KiB, byte for byte, in any order: small ones have a room of their own."""
    echo = lab.open(ECHO)
    for size in (0, 1, 74, 511, 512, 513, 4096, 0, 300, abi.AREA_BYTES - 1, abi.AREA_BYTES, 5):
        event = bytes(index * 7 % 251 for index in range(size))
        outcome = echo.deliver(0, event)
        assert (outcome.trap, outcome.effects.state) == (None, event)


def test_an_event_that_is_too_large_is_refused(lab: Lab) -> None:
    """The host lets none through; were there one, no byte of it would go anywhere."""
    sandbox = lab.open(ECHO)
    with pytest.raises(ValueError, match="65,537 bytes"):
        sandbox.deliver(0, bytes(abi.AREA_BYTES + 1))
    with pytest.raises(InternalError, match="closed"):
        sandbox.deliver(0, b"")


def test_a_quiet_delivery_leaves_nothing(lab: Lab) -> None:
    """No effects, no error, no trap, and the exact fuel."""
    sandbox = lab.open(wc.guest())
    (outcome,) = {sandbox.deliver(0, b"x" * 74) for _ in range(5)}
    assert outcome.effects is NO_EFFECTS
    assert (outcome.error, outcome.trap) == (None, None)
    assert 0 < outcome.fuel < 1000


def test_every_delivery_has_its_own_budget(lab: Lab) -> None:
    """What one leaves over does not help the next, and what it used does not hurt it."""
    body = "(drop (call $delivery.now)) (call $log.write (i32.const 1) (i32.const 0) (i32.const 4096))"
    wasm = wc.guest(body, use=("delivery.now", "log.write"))
    sandbox = lab.open(wasm, limits=Limits(fuel=lab.deliver(wasm).fuel + 10))
    assert [sandbox.deliver(0, b"event").trap for _ in range(50)] == [None] * 50


# deep stacks

RECURSIONS = {
    "small frames": wc.guest("call $f", extra="(func $f (call $f) (call $f))"),
    "through imports": wc.guest(
        "call $f",
        use=("log.write", "state.load"),
        extra="(func $f (call $log.write (i32.const 1) (i32.const 0) (i32.const 9))"
        " (call $state.load (i32.const 256)) (call $f) (call $f))",
    ),
    "in cabi_realloc": wc.guest(
        realloc='(func $r (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)'
        " (i32.add (call $r (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const 8)))"
    ),
}


@pytest.mark.parametrize("stack_kib", [64, 256, 1024])
def test_recursion_traps_on_a_workers_stack(stack_kib: int) -> None:
    """With our callbacks, which are Python, at the far end of it."""
    traps: list[TrapReport | None] = []

    def run(engine: SandboxEngine) -> None:
        limits = Limits(stack_kib=stack_kib, fuel=10**9, deadline_ms=10_000)
        for wasm in RECURSIONS.values():
            guest = load(engine, wasm)
            for _ in range(2):
                with Sandbox(engine, guest, limits, state=b"blob") as sandbox:
                    traps.append(sandbox.deliver(0, b"x").trap)

    with SandboxEngine(stack_kib) as engine:
        before = threading.stack_size(engine.stack_bytes + scheduler._SPARE_STACK)
        try:
            thread = threading.Thread(target=run, args=(engine,))
            thread.start()
        finally:
            threading.stack_size(before)
        thread.join()
    assert [trap.kind for trap in traps if trap] == [PanicKind.STACK_OVERFLOW] * 2 * len(RECURSIONS)


def load(engine: SandboxEngine, wasm: bytes) -> Any:  # Any: a Guest, which only sandboxes look into
    """Let a component in, on an engine of the test's own."""
    return load_guest(engine, wasm, Limits(), grant={"state", "metrics"})


# several at once


def test_two_sandboxes_of_a_guest_share_nothing(lab: Lab) -> None:
    """Neither memory nor globals nor state, and one's trap is no other's."""
    guest = lab.load(COUNTER)
    one, two = lab.open(guest), lab.open(guest)
    assert [count(one.deliver(0, b"")) for _ in range(3)] == [101, 202, 303]
    assert count(two.deliver(0, b"")) == 101
    one.close()
    assert count(two.deliver(0, b"")) == 202


def test_sandboxes_run_beside_each_other(lab: Lab) -> None:
    """Many threads, a sandbox each, of one guest: each callback finds its own."""
    guest = lab.load(COUNTER)

    def run() -> list[int]:
        with Sandbox(lab.engine, guest, Limits()) as sandbox:
            return [count(sandbox.deliver(0, b"event")) for _ in range(300)]

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(run) for _ in range(8)]:
            assert future.result() == [101 * n for n in range(1, 301)]


def test_what_fails_in_one_threads_import_surfaces_there(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Never in another's guest: four threads, of which one fails at each delivery."""
    right = Answers.delivery_sequence

    def wrong(answers: Answers) -> int:
        sequence = right(answers)
        if sequence == 666:
            raise ZeroDivisionError
        return sequence

    monkeypatch.setattr(Answers, "delivery_sequence", wrong)
    wasm = wc.guest(
        "(call $metrics.counter-add (i32.const 0) (i32.const 0) (call $delivery.sequence))",
        use=("metrics.counter-add", "delivery.sequence"),
    )
    guest = lab.load(wasm)

    def good() -> None:
        with Sandbox(lab.engine, guest, Limits()) as sandbox:
            assert [count(sandbox.deliver(0, b"x", seq=seq)) for seq in range(600)] == list(range(600))

    def bad() -> None:
        for _ in range(200):
            with Sandbox(lab.engine, guest, Limits()) as sandbox, pytest.raises(ZeroDivisionError):
                sandbox.deliver(0, b"x", seq=666)

    with ThreadPoolExecutor(4) as pool:
        for future in [pool.submit(task) for task in (good, bad, good, bad, good)]:
            future.result()


def test_a_sandbox_may_move_between_threads(lab: Lab) -> None:
    """Made here, used there, closed elsewhere: one at a time is all that is asked."""
    sandbox = lab.open(COUNTER)
    counts: list[int] = []
    for _ in range(5):
        thread = threading.Thread(target=lambda: counts.append(count(sandbox.deliver(0, b""))))
        thread.start()
        thread.join()
    counts.append(count(sandbox.deliver(0, b"")))
    closer = threading.Thread(target=sandbox.close)
    closer.start()
    closer.join()
    assert counts == [101, 202, 303, 404, 505, 606]


def test_re_entry_is_refused(lab: Lab) -> None:
    """While a delivery runs, a second one, and a close, are refused; the first one is not disturbed."""
    sandbox = lab.open(wc.guest("(loop $l (br $l))"), limits=Limits(fuel=10**12, deadline_ms=300))
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(sandbox.deliver, 0, b"first")
        while not sandbox._cell._shut:
            pass
        for armed_at in (1 << 62, 0):
            sandbox._armed_at = armed_at
            with pytest.raises(InternalError, match="running already"):
                sandbox.deliver(0, b"second")
        with pytest.raises(InternalError, match="cannot be closed"):
            sandbox.close()
        trap = running.result().trap
    assert trap is not None
    assert trap.kind is PanicKind.DEADLINE


def test_an_import_cannot_deliver_to_its_own_sandbox(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Were one of our own functions to try: it is refused, and the owner hears of it."""
    sandbox = lab.open(wc.guest("(drop (call $delivery.now))", use=("delivery.now",)))
    monkeypatch.setattr("wasmhost.sandbox.answers.Answers.delivery_now", lambda _: sandbox.deliver(0, b""))
    with pytest.raises(InternalError, match="running already"):
        sandbox.deliver(0, b"x")


def test_a_closed_sandbox_is_closed(lab: Lab) -> None:
    """It raises, also when its deadline has to be armed anew, and does not crash."""
    sandbox = lab.open(wc.guest("(drop (call $delivery.now))", use=("delivery.now",)))
    sandbox.deliver(0, b"x")
    sandbox.close()
    sandbox.close()
    for armed_at in (0, 1 << 62):
        sandbox._armed_at = armed_at
        with pytest.raises(InternalError, match="closed"):
            sandbox.deliver(0, b"x")


def test_what_cannot_be_furnished_leaves_nothing_behind(lab: Lab) -> None:
    """A state over its area is the host's fault; the store is freed before that is said."""
    guest = lab.load(COUNTER)
    with pytest.raises(InternalError, match="larger than its area"):
        lab.open(guest, state=bytes(abi.AREA_BYTES + 1))
    plan: Any = guest.plan
    assert len(plan.linker._callers) == 0


# given back

_PRELUDE = """
    import contextlib, gc, json, threading
    import psutil
    from tests.sandbox import wat_component as wc
    from wasmhost.config import Limits
    from wasmhost.errors import GuestRefused
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.guest import load_guest
    from wasmhost.sandbox.instance import Sandbox
    process, engine, limits = psutil.Process(), SandboxEngine(), Limits()
    def load(body="", **parts):
        return load_guest(engine, wc.guest(body, **parts), limits, grant={"state"})
    def usage():
        gc.collect()
        places = len(made.plan.linker._callers)
        return [process.memory_info().rss, process.num_fds(), threading.active_count(), places]
"""


def child(code: str) -> Any:  # Any: the child's JSON
    """Run code after the prelude, on a thread as the host has them; what it prints."""
    body = textwrap.indent(textwrap.dedent(code), "    ")
    program = textwrap.dedent(_PRELUDE) + f"\ndef work():\n{body}\n"
    program = program.replace("def work():", "def work():\n    global made")
    program += "\nthread = threading.Thread(target=work)\nthread.start()\nthread.join()\n"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=100, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_ten_thousand_sandboxes_leave_nothing() -> None:
    """Neither memory nor a thread nor a descriptor, nor a place in the linker.

    They are made, used, and dropped, half of them without close; some trap, some do not start.
    """
    before, after = child("""
        answers = '''(call $state.load (i32.const 64))
            (call $log.write (i32.const 1) (i32.const 0) (i32.const 9))'''
        made = load(answers, use=("state.load", "log.write"))
        bad = load(answers + "unreachable", use=("state.load", "log.write"))
        dead = load(extra="(start $s) (func $s unreachable)")
        def cycle(count):
            for index in range(count):
                sandbox = Sandbox(engine, bad if index % 5 == 0 else made, limits, state=b"blob")
                sandbox.deliver(0, bytes(74 if index % 50 else 3000))
                if index % 2:
                    sandbox.close()
                if index % 50 == 0:
                    with contextlib.suppress(GuestRefused):
                        Sandbox(engine, dead, limits)
        cycle(2000)
        before = usage()
        cycle(10_000)
        print(json.dumps([before, usage()]))
    """)
    assert after[0] - before[0] < 2 * 1024 * 1024
    assert after[1:] == before[1:]


def test_deliveries_leave_nothing() -> None:
    """Of lists, texts and results, whatever their size, on either side."""
    before, after = child("""
        body = '''(call $state.load (i32.const 64)) (call $state.save (i32.const 1024) (local.get $n))
            (drop (call $delivery.now)) (call $config.get (i32.const 0) (i32.const 1) (i32.const 64))
            (call $log.write (i32.const 1) (i32.const 1024) (i32.const 100))
            (i32.store (i32.const 256) (i32.const 1)) (i32.store (i32.const 260) (i32.const 1024))
            (i32.store (i32.const 264) (i32.const 64)) (i32.const 256)'''
        data = '(data (i32.const 0) "k")'
        use = ("state.load", "state.save", "delivery.now", "log.write", "config.get")
        made = load_guest(engine, wc.guest(body, use=use, extra=data, on="on_start"), limits,
                          grant={"state", "config"})
        sandbox = Sandbox(engine, made, limits, state=b"", config={"k": "v" * 99})
        def cycle(count):
            for index in range(count):
                outcome = sandbox.deliver(0, bytes(5000 if index % 20 == 0 else index % 300))
                assert outcome.trap is None and outcome.error is not None, outcome
        cycle(2000)
        before = usage()
        cycle(10_000)
        print(json.dumps([before, usage()]))
    """)
    assert after[0] - before[0] < 1024 * 1024
    assert after[1:] == before[1:]


def test_a_guest_that_is_dropped_gives_its_linker_back() -> None:
    """With the callbacks it holds."""
    before, after = child("""
        made = load(use=wc.SYMBOLS[:2])
        wasm = wc.guest(use=("log.write", "state.load", "state.save"))
        def cycle(count):
            for _ in range(count):
                guest = load_guest(engine, wasm, limits, grant={"state"})
                with Sandbox(engine, guest, limits) as sandbox:
                    sandbox.deliver(0, b"x")
        cycle(50)
        before = usage()
        cycle(150)
        print(json.dumps([before, usage()]))
    """)
    assert after[0] - before[0] < 4 * 1024 * 1024
    assert after[1:] == before[1:]
