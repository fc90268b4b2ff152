"""How a run ends when it is asked to, and when it is made to."""

from __future__ import annotations

import signal
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.helpers import REAL, accounted, ended, event, eventually, observers, started, wasmhost
from wasmhost.errors import DatabaseError
from wasmhost.panics import read_panics

if TYPE_CHECKING:
    import subprocess

PEER = {
    "realm": {"realm-id": 1},
    "serial-number": 1,
    "type": {"manufacturer": "m", "name": "n", "version": "1"},
}
CTX = {"self-id": PEER, "request-id": ""}


def spinner() -> str:
    """The path of the guest that never returns."""
    return str(observers("spinner")[-1])


def events(count: int) -> bytes:
    """Events for it."""
    return b"".join(
        event(seq, "on_websocket_connecting", ctx=CTX, event={"peer": PEER}) for seq in range(count)
    )


def give(process: subprocess.Popen[bytes], data: bytes) -> None:
    """Write to a command's standard input and leave it open."""
    assert process.stdin is not None
    process.stdin.write(data)
    process.stdin.flush()


def await_log(process: subprocess.Popen[bytes], words: bytes) -> bytes:
    """Read a command's standard error until a line has these words; returns all that was read."""
    assert process.stderr is not None
    read = b""
    for line in process.stderr:
        read += line
        if words in line:
            return read
    raise AssertionError(f"{words!r} was never said; this was: {read.decode()}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    """Standard input is still open: what came is delivered, the summary printed, exit code 0."""
    with started("run", *observers("event-counter", "trapper"), "--from", "-", "--json", cwd=tmp_path) as run:
        give(run, REAL.read_bytes())
        await_log(run, b"observer hook is in quarantine")
        run.send_signal(number)
        result = ended(run)
    assert result.code == 0
    assert result.json["events"] == 65
    assert accounted(result.json)
    assert result.observer("event-counter")["delivered"] == 65


def test_a_signal_before_anything_was_read_is_not_lost(tmp_path: Path) -> None:
    """Ctrl-C while the modules are still being compiled ends the run as soon as it can."""
    with started("run", *observers("event-counter"), "--from", "-", "--json", cwd=tmp_path) as run:
        eventually(lambda: handles_signals(run.pid))
        run.send_signal(signal.SIGINT)
        result = ended(run, timeout=20)
    assert result.code == 0
    assert result.json["events"] == 0


def test_a_signal_ends_the_run_of_a_file(tmp_path: Path) -> None:
    """What was read is delivered, the rest is not read; every event counts once."""
    (tmp_path / "c.toml").write_text(
        f"[[observer]]\nmodule = '{spinner()}'\nquarantine = false\nmailbox = 16\n"
    )
    (tmp_path / "long.cborseq").write_bytes(events(20_000))
    with started("run", "--config", "c.toml", "--from", "long.cborseq", "--json", cwd=tmp_path) as run:
        await_log(run, b"observer panicked")
        run.send_signal(signal.SIGINT)
        result = ended(run)
    assert result.code == 0
    assert 0 < result.json["events"] < 20_000
    assert accounted(result.json)
    assert result.observer("spinner")["dropped"] == 0


def test_a_second_sigint_ends_it_at_once(tmp_path: Path) -> None:
    """Also in the middle of draining a mailbox of a thousand spins: exit code 130, nothing waited for."""
    (tmp_path / "c.toml").write_text(
        f"[[observer]]\nmodule = '{spinner()}'\nquarantine = false\nfuel = 100_000_000\n"
    )
    with started("run", "--config", "c.toml", "--from", "-", "--json", cwd=tmp_path) as run:
        give(run, events(600))
        await_log(run, b"observer panicked")
        run.send_signal(signal.SIGINT)
        await_log(run, b"stopping")
        begun = time.monotonic()
        run.send_signal(signal.SIGINT)
        assert run.wait(timeout=10) == 130
        assert time.monotonic() - begun < 2
        assert b"Traceback" not in run.communicate()[1]


def test_other_commands_end_as_any_program_does(tmp_path: Path) -> None:
    """The first SIGINT is the end, without a word."""
    with started("bench", cwd=tmp_path) as bench:
        eventually(lambda: "wasmtime" in Path(f"/proc/{bench.pid}/maps").read_text())
        bench.send_signal(signal.SIGINT)
        assert ended(bench).err == ""
    assert bench.returncode == -signal.SIGINT


def test_a_killed_run_leaves_its_committed_panics(tmp_path: Path) -> None:
    """After SIGKILL the database opens, with every row that was committed."""
    database = tmp_path / "k.db"
    with started("run", *observers("trapper"), "--from", "-", "--db", database, cwd=tmp_path) as run:
        give(run, REAL.read_bytes())
        eventually(lambda: counted(database) == 5)
        run.kill()
        run.wait(timeout=10)
    (row,) = wasmhost("panics", database, "--json", cwd=tmp_path).json
    assert (row["observer"], row["count"], row["kind"]) == ("trapper", 5, "unreachable")
    again = wasmhost("run", *observers("trapper"), "--from", REAL, "--db", database, cwd=tmp_path)
    assert again.code == 0
    assert counted(database) == 10


def counted(database: Path) -> int:
    """How many panics are in the log by now."""
    try:
        return sum(row.count for row in read_panics(database))
    except (DatabaseError, sqlite3.Error):
        return 0  # not made yet


def handles_signals(pid: int) -> bool:
    """Whether a run handles signals by now: SIGTERM, which Python leaves alone."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return bool(int(fields["SigCgt"], 16) & 1 << (signal.SIGTERM - 1))
