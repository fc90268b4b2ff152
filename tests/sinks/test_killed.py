"""A host that is killed in the middle: what it had taken arrives all the same, once by its ids."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

from tests.cli.helpers import COMMAND, environment
from tests.host.helpers import CONNECTED, TRAP, event, guest, recorder
from tests.sinks.receiver import Answer, Receiver
from wasmhost.panics.store import read_panics
from wasmhost.sinks import office

if TYPE_CHECKING:
    from pathlib import Path

WINDOW_S = 2.0
"""Generous, for a busy machine: the contract says 100 ms and a commit."""


def configured(folder: Path, receiver: Receiver) -> Path:
    """Write a configuration: a webhook, a file and the direct way beside them."""
    (folder / "watch.wasm").write_bytes(recorder(CONNECTED))
    (folder / "trap.wasm").write_bytes(guest({CONNECTED: TRAP}))
    path = folder / "wasmhost.toml"
    path.write_text(
        f"""
        [host]
        db = "x.db"
        reports = "direct.ndjson"
        isolation = "process"
        drain_s = 20.0
        [outbox]
        panics_every_s = 1
        [defaults]
        mailbox = 100_000
        [[observer]]
        module = "watch.wasm"
        [[observer]]
        module = "trap.wasm"
        backoff_ms = [1, 5]
        quarantine = false
        [[sink]]
        kind = "webhook"
        name = "hook"
        url = "{receiver.url}"
        secret_file = "secret"
        tls_ca = "ca.pem"
        backoff_ms = [10, 100]
        [[sink]]
        kind = "ndjson"
        name = "file"
        path = "file.ndjson"
        """
    )
    return path


def started(folder: Path) -> subprocess.Popen[bytes]:
    """Start a host in a folder, and wait until it listens."""
    (folder / "node.sock").unlink(missing_ok=True)
    with (folder / "log").open("ab") as log:
        host = subprocess.Popen(
            [*COMMAND, "run", "--config", "wasmhost.toml", "--from", "unix:node.sock"],
            cwd=folder,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    end = time.monotonic() + 60
    while not (folder / "node.sock").exists():
        assert host.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < end
        time.sleep(0.02)
    return host


def tell(folder: Path, first: int, count: int, source: str) -> None:
    """Be a node that has something to tell."""
    with socket.socket(socket.AF_UNIX) as node:
        node.connect(str(folder / "node.sock"))
        for seq in range(first, first + count):
            node.sendall(event(seq=seq, src=source))
            time.sleep(0.001)


def direct(folder: Path) -> list[tuple[str, int]]:
    """What the host is known to have taken, of the first 300 events: the direct way has it."""
    path = folder / "direct.ndjson"
    found = whole_lines(path) if path.exists() else []
    return [(line["src"], line["seq"]) for line in found if line["seq"] < 300]


def whole_lines(path: Path) -> list[dict[str, Any]]:
    """Read a file as its readers should: a host that is killed may leave the beginning of a line.

    It stands on a line of its own, one at most for each kill; what follows it is whole.
    """
    found: list[dict[str, Any]] = []
    pieces: list[bytes] = []
    for line in path.read_bytes().split(b"\n")[:-1]:
        try:
            found.append(json.loads(line))
        except ValueError:
            pieces.append(line)
    assert len(pieces) <= 2, pieces  # one for each kill
    assert all(piece.startswith(b"{") for piece in pieces)
    return found


def test_all_that_was_taken_before_the_window_arrives(tmp_path: Path) -> None:
    """Twice killed while a webhook comes and goes; then every report is there, and no id stands for two.

    With shards, from which reports have further to go; the outbox is the same with threads.
    """
    with Receiver(tmp_path) as receiver:
        configured(tmp_path, receiver)
        taken: list[tuple[str, int]] = []
        for life in range(2):
            receiver.answers.extend([Answer(500)] * 3)
            host = started(tmp_path)
            tell(tmp_path, 0, 200, f"node-{life}")
            receiver.answers.extend([Answer(503)] * 1_000)  # from here on it takes nothing
            tell(tmp_path, 200, 100, f"node-{life}")
            end = time.monotonic() + 30
            while len(found := direct(tmp_path)) < 300 * (life + 1) and time.monotonic() < end:
                time.sleep(0.02)
            taken = found
            time.sleep(WINDOW_S)
            tell(tmp_path, 300, 50, f"node-{life}")  # these may be lost
            host.send_signal(signal.SIGKILL)
            host.wait()
            receiver.answers.clear()
        assert len(set(taken)) == 600
        waiting = {one.sink.name: one.waiting.rows for one in office.look(tmp_path / "x.db")}
        assert waiting["hook"] > 0
        host = started(tmp_path)
        end = time.monotonic() + 60
        while any(one.waiting.rows for one in office.look(tmp_path / "x.db")):
            assert time.monotonic() < end
            time.sleep(0.05)
        host.send_signal(signal.SIGTERM)
        assert host.wait(60) == 0, (tmp_path / "log").read_text()
        for records in (receiver.records, whole_lines(tmp_path / "file.ndjson")):
            reports = [record for record in records if record["what"] == "report"]
            by_id = {record["id"]: (record["src"], record["seq"]) for record in reports}
            assert all(by_id[record["id"]] == (record["src"], record["seq"]) for record in reports)
            assert len(set(by_id.values())) == len(by_id)
            assert [one for one in by_id.values() if one[1] < 300] == taken  # in the order, too
            panics = [record for record in records if record["what"] == "panic"]
            (row,) = read_panics(tmp_path / "x.db")
            assert max(record["count"] for record in panics) == row.count
            assert sum({record["id"]: record["new"] for record in panics}.values()) == row.count
            assert len(panics) < 200
