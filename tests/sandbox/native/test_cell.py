"""The cell: nothing gets past its door, and nothing it points to outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox import wat
from tests.sandbox.lab import core_plan
from wasmhost.errors import InternalError
from wasmhost.sandbox.native.cell import Cell
from wasmhost.sandbox.native.store import budget
from wasmhost.sandbox.native.trap import Trapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.sandbox.lab import Lab

FUEL = 1_000_000
EVENT = (0, b"event", 0, 0, 0, 0, budget(FUEL))


def cell(lab: Lab, body: str = "", fuel: int = FUEL, **parts: Any) -> Cell:  # Any: the keywords of guest
    """A cell of a guest."""
    made = Cell(lab.engine.engine, core_plan(lab.load(wat.guest(body, **parts))), fuel, 1000)
    lab.callback(made.close)
    return made


USES: list[Callable[[Cell], object]] = [
    lambda it: it.deliver(*EVENT),
    lambda it: it.initialize(FUEL, 0),
    lambda it: it.arm(10),
]


@pytest.fixture
def interrupt() -> Iterator[None]:
    """Let an alarm be a KeyboardInterrupt: it comes while the guest runs."""

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, stop)
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.parametrize("use", USES, ids=["deliver", "initialize", "arm"])
def test_a_closed_cell_refuses_everything(lab: Lab, use: Callable[[Cell], object]) -> None:
    """Before anything native is called with what was freed."""
    it = cell(lab)
    it.close()
    it.close()
    with pytest.raises(InternalError, match="closed"):
        use(it)
    with pytest.raises(ValueError, match="released memoryview"):
        it.box[0]


@pytest.mark.parametrize("use", USES, ids=["deliver", "initialize", "arm"])
def test_a_cell_that_trapped_can_be_read_and_closed_only(lab: Lab, use: Callable[[Cell], object]) -> None:
    """The box is still there, to see what the guest left."""
    it = cell(lab, "unreachable")
    with pytest.raises(Trapped):
        it.deliver(*EVENT)
    assert it.box[64] == 3  # the phase: in the hook
    with pytest.raises(InternalError, match="trapped"):
        use(it)


@pytest.mark.usefixtures("interrupt")
def test_an_interrupt_closes_the_cell(lab: Lab) -> None:
    """A KeyboardInterrupt that came while the guest ran: nobody knows how that went, so it is over."""
    it = cell(lab, "(loop $l (br $l))")
    alarm = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
    alarm.start()
    with pytest.raises(KeyboardInterrupt):
        it.deliver(0, b"event", 0, 0, 0, 0, budget(300_000_000))
    alarm.join()
    with pytest.raises(InternalError, match="closed"):
        it.deliver(*EVENT)
    it.close()


def test_a_failure_half_way_frees_what_was_made(lab: Lab) -> None:
    """A guest that does not start; the plan's next try does not see the first one's store."""
    with pytest.raises(Trapped):
        cell(lab, extra="(start $s) (func $s unreachable)")
    with pytest.raises(InternalError, match="no export"):
        Cell(lab.engine.engine, replace(core_plan(lab.load(wat.guest())), trampolines=5), FUEL, 10)


def test_freeing_in_any_order_does_not_crash() -> None:
    """Cells dropped without close, closed after their engine, and traps on the way: in a child."""
    code = """
        import gc
        from tests.sandbox import wat
        from tests.sandbox.lab import Lab
        from wasmhost.sandbox.engine import SandboxEngine
        from wasmhost.sandbox.instance import Sandbox
        from wasmhost.config import Limits
        from wasmhost.sandbox.guest import load_guest
        for round in range(20):
            engine = SandboxEngine()
            wasm = wat.guest("(if (local.get $n) (then unreachable))")
            guest = load_guest(engine, wasm, Limits(), grant=())
            sandboxes = [Sandbox(engine, guest, Limits()) for _ in range(5)]
            for index, sandbox in enumerate(sandboxes):
                sandbox.deliver(0, b"x" * (index % 2))
            sandboxes[0].close()
            last = sandboxes.pop()
            del sandboxes, sandbox
            engine.close()
            del engine, guest
            gc.collect()
            last.close()
        print("done")
    """
    child = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (child.returncode, child.stdout, child.stderr) == (0, "done\n", "")
