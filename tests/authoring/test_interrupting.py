"""Compilers that are stopped: their whole family ends, and what was not finished is gone."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.helpers import environment, eventually
from wasmhost.authoring.interrupting import run_in_group, scratch_folder
from wasmhost.authoring.toolchains.base import BuildError, run

# A compiler that starts another, which ignores being asked to end, and waits for it.
_CHILD = """import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(600)"""
_FAMILY = f"""import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {_CHILD!r}], stdout=subprocess.PIPE)
child.stdout.readline()
open("pids", "w").write(f"{{__import__('os').getpid()}} {{child.pid}}\\n")
child.wait()"""
_STOPPED = f"""import sys, threading, time
from pathlib import Path
from wasmhost.authoring.interrupting import Stopped, run_in_group, scratch_folder, stop_all
def build():
    with scratch_folder(Path()) as folder:
        (folder / "half").write_text("half")
        run_in_group([sys.executable, "-c", {_FAMILY!r}], cwd=Path(), environment={{}})
threading.Thread(target=build, daemon=True).start()
while not Path("pids").exists() or "\\n" not in Path("pids").read_text():
    time.sleep(0.01)
stop_all()
try:
    run_in_group(["true"], cwd=Path(), environment={{}})
except Stopped:
    print("nothing begins")"""


def lives(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_compiler_and_what_it_started_end_together(tmp_path: Path) -> None:
    """Also a child that does not listen; and the scratch folder goes."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _STOPPED],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert done.stdout == "nothing begins\n"
    pids = [int(word) for word in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 2
    eventually(lambda: not any(map(lives, pids)))
    assert [path.name for path in tmp_path.iterdir()] == ["pids"]
    assert time.monotonic() - began < 20


def test_what_a_program_says_and_how_it_ends(tmp_path: Path) -> None:
    """In the folder and the environment it is given."""
    code = "import os, sys; print(os.getcwd(), os.environ['A']); sys.exit(3)"
    done = run_in_group([sys.executable, "-c", code], cwd=tmp_path, environment={**os.environ, "A": "b"})
    assert (done.returncode, done.stdout) == (3, f"{tmp_path} b\n")


def test_a_compiler_that_fails_without_a_word(tmp_path: Path) -> None:
    """It still counts as one that refused the source."""
    with pytest.raises(BuildError, match=r"failed \(exit code 1\)") as error:
        run(["false"], cwd=tmp_path)
    assert error.value.output == "(it said nothing)"


def test_a_compiler_that_is_not_there(tmp_path: Path) -> None:
    """One line, with the system's reason."""
    with pytest.raises(BuildError, match="no-such-tool cannot be run: no such file"):
        run(["no-such-tool"], cwd=tmp_path)


def test_a_scratch_folder_is_gone_whatever_happens(tmp_path: Path) -> None:
    """Also where nothing came of it."""
    with pytest.raises(FileNotFoundError), scratch_folder(tmp_path) as folder:
        (folder / "full" / "x").write_text("")
    assert list(tmp_path.iterdir()) == []
