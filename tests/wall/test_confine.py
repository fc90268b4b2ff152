"""What a sealed process can't do, tried; and that a sandbox in one does all that it did."""

from __future__ import annotations

import platform
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from wasmhost.wall import syscalls
from wasmhost.wall.confine import sealed
from wasmhost.wall.probe import probe

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.wall.zygote import Zygote


@pytest.mark.skipif(platform.machine() not in syscalls.ALLOWED, reason="no filter for this processor")
def test_everything_that_a_stranger_would_try_is_refused(zygote: Zygote) -> None:
    """Files, sockets, programs, processes, signals, privileges."""
    found = probe(zygote)
    assert found.seal.seccomp, found.seal.why_not
    assert found.seal.no_new_privs
    assert found.seal.why_not is None
    assert len(found.attempts) >= 15
    assert found.open_doors == ()
    assert found.environment == 0
    assert found.descriptors == (0, 1, 2, 3)


def test_this_process_is_not_sealed() -> None:
    """And says so."""
    state = sealed()
    assert state.why_not == (None if state.seccomp else "it is not sealed")


UNDER_THE_SEAL = """
    import os, sys, threading
    from tests.sandbox import wat
    from tests.sandbox.lab import Lab
    from wasmhost.config import Limits
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.wall.confine import confine, seal, sealed
    from wasmhost.wall.limits import ChildLimits
    from wasmhost.wall.ready import make_ready

    plain = wat.guest(extra='(data (i32.const 0) "there at the start")')
    trapping, spinning = wat.guest("unreachable"), wat.guest("(loop (br 0))")
    deep = wat.guest(f"(call ${wat.HOOK} (i32.const 0) (i32.const 0)) (drop (i32.const 0))")
    patient = Limits(fuel=10**14)
    make_ready()
    early = SandboxEngine() if sys.argv[1] == "early" else None
    confine(ChildLimits(cpu_s=100, files=32))
    seal()
    with early or SandboxEngine() as engine, Lab(engine) as lab:
        print(lab.deliver(plain).trap is None)
        print(lab.trap(trapping).kind.value, lab.trap(deep).kind.value)
        print(lab.trap(spinning, limits=patient).kind.value)
        print(lab.component_puppet().play().trap is None)
        told = []
        threads = [threading.Thread(target=lambda: told.append(lab.deliver(plain).trap)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(told == [None] * 8)
        try:
            open(__file__ if "__file__" in globals() else "/etc/hostname")
        except PermissionError:
            print("refused")
        try:
            os.write(file, b"x") if (file := int(sys.argv[2])) else None
        except OSError as error:
            print(error.errno)
    print(sealed().seccomp)
"""


@pytest.mark.parametrize("when", ["early", "late"])
def test_a_sandbox_does_under_the_seal_all_that_it_did(when: str, tmp_path: Path) -> None:
    """It is made, delivers, traps, meets its deadline, on threads too; with an engine from before and after.

    And to a file that it was handed it writes nothing.
    """
    with (tmp_path / "file").open("wb") as file:
        child = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(UNDER_THE_SEAL), when, str(file.fileno())],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
            pass_fds=[file.fileno()],
        )
    said = ["True", "unreachable stack_overflow", "deadline", "True", "True", "refused", "27", "True"]
    assert (child.stderr, child.stdout.splitlines()) == ("", said)


def test_each_group_of_calls_has_a_reason_and_nothing_stands_twice() -> None:
    """A list to be read."""
    for groups in syscalls.ALLOWED.values():
        names = [name for group in groups for name in group.names]
        assert sorted(set(names)) == sorted(names)
        assert all(group.reason for group in groups)
        assert not {"open", "openat", "socket", "connect", "execve", "fork", "clone", "kill", "ptrace"} & {
            *names
        }
