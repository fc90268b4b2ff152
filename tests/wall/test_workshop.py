"""Compiling in a child: the same artifact, or a reason, whatever becomes of the child."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped]  # it has none
import pytest

from tests.sandbox import wat
from tests.sandbox import wat_component as wc
from tests.wall.helpers import is_alive, soon
from wasmhost.config import Limits
from wasmhost.errors import GuestRefused
from wasmhost.sandbox.artifacts import ArtifactCache
from wasmhost.sandbox.compiling import Bounds, Compiler
from wasmhost.sandbox.engine import SandboxEngine
from wasmhost.sandbox.guest import artifact_of, compile_guest, let_in
from wasmhost.sandbox.instance import Sandbox
from wasmhost.wall import workshop
from wasmhost.wall.compile_job import ANSWER, COMPILED, REFUSED
from wasmhost.wall.workshop import ChildWorkshop

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.wall.zygote import Zygote

STACK_KIB = 256
BOUNDS = Bounds()
ADDITIONS = "(i32.const 1) (i32.add) " * 200_000
HEAVY = wat.guest(f"(i32.const 0) {ADDITIONS} drop")  # seconds of compiling


@pytest.mark.parametrize("wasm", [wat.guest(), wc.guest()], ids=["core", "component"])
def test_what_a_child_compiled_runs(zygote: Zygote, wasm: bytes) -> None:
    """By an engine that has compiled nothing, from bytes that were made without one here."""
    compiler = Compiler(STACK_KIB, None, ChildWorkshop(zygote))
    artifact = artifact_of(compiler, wasm, Limits())
    with SandboxEngine(STACK_KIB) as engine:
        guest = let_in(engine, engine.adopt(artifact), wasm, Limits(), grant=())
        with Sandbox(engine, guest, Limits()) as sandbox:
            assert sandbox.deliver(0, b"event").trap is None


def test_the_engines_reason_comes_back(zygote: Zygote) -> None:
    """The same as without a child."""
    broken = wat.guest()[:-3]
    reasons = []
    for elsewhere in (ChildWorkshop(zygote), None):
        with SandboxEngine(workshop=elsewhere) as engine, pytest.raises(GuestRefused) as refused:
            compile_guest(engine, broken, Limits())
        reasons.append(str(refused.value))
    assert reasons[0] == reasons[1]
    assert reasons[0].startswith("it does not compile: ")


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (Bounds(cpu_s=1), "compiling it took more than compile_s = 1 of processor time"),
        (Bounds(memory_mib=256), "compiling it took more memory than compile_mib = 256"),
    ],
)
def test_a_bomb_ends_at_its_bounds_and_nothing_of_it_is_kept(
    zygote: Zygote, tmp_path: Path, bounds: Bounds, words: str
) -> None:
    """The reason names the key and its value; other threads have run all the while."""
    cache = ArtifactCache(tmp_path / "cache")
    ticks: list[float] = []
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(0.01):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        with pytest.raises(GuestRefused, match=words):
            Compiler(STACK_KIB, cache, ChildWorkshop(zygote)).artifact("core", HEAVY, bounds)
    finally:
        stop.set()
        thread.join()
    assert len(ticks) > 5
    assert not list((tmp_path / "cache").glob("*.artifact"))


def test_a_clock_ends_what_processor_time_does_not(zygote: Zygote, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that waits uses none."""
    monkeypatch.setattr(workshop, "_PATIENCE", 0)
    monkeypatch.setattr(workshop, "_SPARE_S", 0.2)
    with pytest.raises(GuestRefused, match="compiling it is not over"):
        ChildWorkshop(zygote).compile("core", HEAVY, STACK_KIB, BOUNDS)


def test_a_child_that_is_killed_is_a_refusal(zygote: Zygote) -> None:
    """With the signal that did it."""
    children = _our_children()
    killers = threading.Thread(target=_kill_the_next, args=(children, signal.SIGSEGV))
    killers.start()
    with pytest.raises(GuestRefused, match="the compiler crashed: killed by SIGSEGV"):
        ChildWorkshop(zygote).compile("core", HEAVY, STACK_KIB, BOUNDS)
    killers.join()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"nonsense", "no answer|crashed"),
        (ANSWER.pack(COMPILED, 3) + b"abc", "no compiled module"),
        (ANSWER.pack(COMPILED, 2**60), "no answer|crashed"),
        (ANSWER.pack(REFUSED, 9) + b"\x1b[2J\nevil", r"it does not compile: \\x1b\[2J evil$"),
        (ANSWER.pack(77, 0), "no compiled module"),
    ],
)
def test_an_answer_that_cannot_be_is_a_refusal(
    zygote: Zygote, monkeypatch: pytest.MonkeyPatch, answer: bytes, words: str
) -> None:
    """As of a child that a module has taken over. What it says is escaped."""

    def say(self: workshop._Talk, head: bytes, wasm: bytes) -> object:
        del head
        ours, theirs = socket.socketpair()
        with ours, theirs:
            theirs.sendall(answer)
            theirs.shutdown(socket.SHUT_WR)
            self._end.close()
            self._end = ours
            return ask(self, b"", wasm[:0])

    ask = workshop._Talk.ask
    monkeypatch.setattr(workshop._Talk, "ask", say)
    with pytest.raises(GuestRefused, match=words):
        ChildWorkshop(zygote).compile("core", wat.guest(), STACK_KIB, BOUNDS)


def test_two_hundred_compiles_leave_nothing_behind() -> None:
    """No descriptor, no process, no zombie. In a process of its own, where nothing else comes and goes."""
    code = """
        import time
        import psutil, pytest
        from tests.sandbox import wat
        from tests.wall.helpers import soon
        from tests.wall.test_workshop import BOUNDS, STACK_KIB
        from wasmhost.errors import GuestRefused
        from wasmhost.wall.workshop import ChildWorkshop
        process = psutil.Process()
        with ChildWorkshop() as compiling:
            compiling.compile("core", wat.guest(), STACK_KIB, BOUNDS)
            assert soon(lambda: len(process.children(recursive=True)) == 1)
            time.sleep(1)  # the child is gone; what we had of it goes when the zygote says so
            before = process.num_fds()
            for number in range(200):
                if number % 2:
                    compiling.compile("core", wat.guest(), STACK_KIB, BOUNDS)
                else:
                    with pytest.raises(GuestRefused):
                        compiling.compile("core", bytes.fromhex("0061736d0100000001"), STACK_KIB, BOUNDS)
            assert soon(lambda: len(process.children(recursive=True)) == 1)
            assert soon(lambda: process.num_fds() == before), (before, process.num_fds())
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_an_interrupt_leaves_nothing_running() -> None:
    """Ctrl-C while a large module is compiled."""
    code = """
        from tests.wall.test_workshop import BOUNDS, HEAVY, STACK_KIB
        from wasmhost.wall.workshop import ChildWorkshop
        with ChildWorkshop() as compiling:
            print("now", flush=True)
            compiling.compile("core", HEAVY, STACK_KIB, BOUNDS)
    """
    command = [sys.executable, "-c", textwrap.dedent(code)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        parent = psutil.Process(process.pid)
        assert soon(lambda: len(parent.children(recursive=True)) == 2)
        pids = [child.pid for child in parent.children(recursive=True)]
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(30) != 0
    assert soon(lambda: not any(map(is_alive, pids)))


def _our_children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def _kill_the_next(known: set[int], number: int) -> None:
    while not (fresh := _our_children() - known):
        time.sleep(0.005)
    time.sleep(0.3)  # into its compiling; the first ones may be the zygote
    for pid in fresh | (_our_children() - known):
        if not psutil.Process(pid).cmdline() or psutil.Process(pid).num_threads() > 1:
            os.kill(pid, number)
