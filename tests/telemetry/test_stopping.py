"""SIGTERM ends a run in bounded time, whoever holds it up: a guest, a sink, a source. All real processes."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest

from tests.host.helpers import CONNECTED, REPORT_EVENT, SPIN, event, guest, wait_until

if TYPE_CHECKING:
    from pathlib import Path

ENDLESS = 60
"""Seconds; a run that is not bounded takes as long as its mailbox is full of spinning events: minutes."""


class Flood(threading.Thread):
    """A node that writes events for as long as anybody reads them."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._path = path
        self.sent = 0

    def run(self) -> None:
        """Write."""
        with closing(socket.socket(socket.AF_UNIX)) as connection, suppress(OSError):
            connection.settimeout(ENDLESS)
            wait_until(lambda: connection.connect_ex(str(self._path)) == 0, ENDLESS)  # bound, not heard yet
            while True:
                connection.sendall(
                    b"".join(event(CONNECTED, seq) for seq in range(self.sent, self.sent + 50))
                )
                self.sent += 50


@pytest.mark.parametrize("where", ["thread", "process"])
@pytest.mark.parametrize("who", ["guest", "sink"])
def test_a_run_ends_while_a_source_floods(tmp_path: Path, where: str, who: str) -> None:
    """With a guest that loops in each event, or a reader of its reports that reads none."""
    module = tmp_path / "observer.wasm"
    module.write_bytes(guest({CONNECTED: SPIN if who == "guest" else REPORT_EVENT}))
    (tmp_path / "wasmhost.toml").write_text(
        f'[host]\ndrain_s = 1\nisolation = "{where}"\n[defaults]\nfuel = 1_000_000_000_000\n'
        f'quarantine = false\nbackoff_ms = [0, 0]\n[[observer]]\nmodule = "observer.wasm"\n'
    )
    path = tmp_path / "node.sock"
    command = [sys.executable, "-m", "wasmhost", "run", "--config", "wasmhost.toml", "--from", f"unix:{path}"]
    log = tmp_path / "log"
    with (
        log.open("wb") as stderr,
        subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=stderr) as run,
    ):
        try:
            wait_until(path.exists, ENDLESS)
            flood = Flood(path)
            flood.start()
            wait_until(lambda: flood.sent > 3_000, ENDLESS)
            run.send_signal(signal.SIGTERM)
            assert run.wait(ENDLESS) in {0, 2}, log.read_text()
        finally:
            run.kill()
    assert "stopping" in log.read_text()
