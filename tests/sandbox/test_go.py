"""A real Go program as a guest: what its runtime asks of WASI is answered."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from wasmhost.authoring.toolchains.go import find_bundled
from wasmhost.panics.record import PanicKind
from wasmhost.sandbox.outbox import LogLine

if TYPE_CHECKING:
    from tests.sandbox.lab import Lab
    from wasmhost.sandbox.guest import Guest
    from wasmhost.sandbox.instance import Sandbox

SOURCE = Path(__file__).parent / "go"
NOW = 1_700_000_000_000_000_000


@pytest.fixture(scope="module")
def wasm(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The program, built without network and outside the source tree."""
    go = find_bundled()
    assert go is not None, "needs the extra go, which the tests have installed"
    out = tmp_path_factory.mktemp("go") / "guest.wasm"
    settings = {"GOOS": "wasip1", "GOARCH": "wasm", "GOPROXY": "off", "GOTOOLCHAIN": "local"}
    subprocess.run(
        [go, "build", "-buildmode=c-shared", "-o", str(out), "."],
        cwd=SOURCE,
        env=os.environ | settings,
        check=True,
        timeout=300,
    )
    return out.read_bytes()


@pytest.fixture
def go(lab: Lab, wasm: bytes) -> Sandbox:
    """The program, initialised."""
    guest: Guest = lab.load(wasm)
    sandbox = lab.open(guest)
    assert sandbox.init.trap is None
    return sandbox


def lines(sandbox: Sandbox, event: str, **header: int) -> list[LogLine]:
    """What the program says to an event, which it must not trap at."""
    outcome = sandbox.deliver(0, event.encode(), **header)
    assert outcome.trap is None
    assert outcome.effects.logs_dropped == 0
    return list(outcome.effects.logs)


@pytest.mark.timeout(400)
def test_go_is_served(go: Sandbox) -> None:
    """Event after event, through our own imports and through WASI."""
    for number in range(100):
        assert lines(go, f"größe {number}") == [LogLine("info", f"log: größe {number}")]
    assert lines(go, "world") == [
        LogLine("info", "0 0 open /etc/passwd: Not implemented on wasip1"),
        LogLine("warn", "read /dev/stdin: Bad file number"),
    ]


def test_go_sleeps(go: Sandbox) -> None:
    """90 minutes go by at once, on the program's own clock, which starts at the event's time."""
    (line,) = lines(go, "sleep", at=NOW)
    seconds, slept = line.text.split()
    assert int(seconds) == NOW // 10**9
    assert slept.startswith("1h30m0.0") or slept == "1h30m0s"


def test_go_runs_goroutines(go: Sandbox) -> None:
    """One sleeps, the other overtakes it."""
    assert lines(go, "goroutines", at=NOW) == [LogLine("info", "a b")]


def test_go_may_sleep_for_ever(go: Sandbox) -> None:
    """292 years later it goes on; whatever it does, the host does not wait."""
    outcome = go.deliver(0, b"sleep for ever", at=NOW)
    assert outcome.trap is None or outcome.trap.kind in {PanicKind.OUT_OF_FUEL, PanicKind.DEADLINE}


def test_gos_random_numbers_are_the_deliverys(lab: Lab, wasm: bytes) -> None:
    """crypto/rand reads the stream: the same in a replay, other ones for another event."""
    guest = lab.load(wasm)
    drawn = [lines(lab.open(guest), "random", seed=1, seq=seq) for seq in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize(
    ("event", "words"),
    [("panic", "panic: no such peer"), ("nil", "assignment to entry in nil map"), ("deadlock", "deadlock")],
)
def test_a_go_panic_says_why(go: Sandbox, event: str, words: str) -> None:
    """Its trace, on standard error, becomes the message; its functions are in the backtrace."""
    outcome = go.deliver(0, event.encode())
    assert outcome.trap is not None
    assert words in outcome.trap.message
    assert outcome.trap.message.isprintable()
    assert outcome.trap.kind in {PanicKind.UNREACHABLE, PanicKind.EXIT}
    assert any(frame.startswith("runtime.") for frame in outcome.trap.backtrace)
    assert any(words in line.text for line in outcome.effects.logs)


def test_a_go_program_that_exits_says_so(go: Sandbox) -> None:
    """With its code."""
    trap = go.deliver(0, b"exit").trap
    assert trap is not None
    assert (trap.kind, trap.message) == (PanicKind.EXIT, "the guest called proc_exit with code 3")


def test_a_long_output_is_whole(go: Sandbox) -> None:
    """Go hands it to fd_write in one piece of 4,400 bytes."""
    assert lines(go, "long") == [LogLine("info", "a line of some length")] * 200
