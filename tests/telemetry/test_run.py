"""A whole run, as an operator has it: scraped, probed, reloaded and stopped, and heard by a manager."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.request import urlopen

from tests.host.helpers import CONNECTED, event, quiet, wait_until
from tests.telemetry.helpers import series, value

if TYPE_CHECKING:
    from pathlib import Path

PATIENCE_S = 60


def test_a_run_is_observed_from_its_start_to_its_end(tmp_path: Path) -> None:
    """Its address stands in its log; each word comes when it is true."""
    (tmp_path / "well.wasm").write_bytes(quiet(CONNECTED))
    (tmp_path / "wasmhost.toml").write_text('[[observer]]\nmodule = "well.wasm"\n')
    log, node, manager = tmp_path / "log", tmp_path / "node.sock", tmp_path / "notify"
    command = [sys.executable, "-m", "wasmhost", "run", "--config", "wasmhost.toml"]
    command += ["--from", f"unix:{node}", "--metrics", "127.0.0.1:0"]
    environment = {**os.environ, "NOTIFY_SOCKET": str(manager), "NO_COLOR": "1"}
    with (
        closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as words,
        log.open("wb") as stderr,
    ):
        words.bind(str(manager))
        words.settimeout(PATIENCE_S)
        with subprocess.Popen(command, cwd=tmp_path, stderr=stderr, env=environment) as run:
            try:
                assert words.recv(4096).startswith(b"READY=1\nSTATUS=events come from unix:")
                found = re.search(r"serving telemetry.*address=(\S+)", log.read_text())
                assert found is not None
                page = f"http://{found[1]}"
                with closing(socket.socket(socket.AF_UNIX)) as connection:
                    connection.connect(str(node))
                    connection.sendall(b"".join(event(CONNECTED, seq) for seq in range(5)))
                hook = {"observer": "well", "hook": CONNECTED}
                name = "wasmhost_hook_delivered_total"
                wait_until(
                    lambda: series(read(page + "/metrics")).get((name, frozenset(hook.items()))) == 5, 60
                )
                assert value(series(read(page + "/metrics")), "wasmhost_ready") == 1
                assert '"ready": true' in read(page + "/readyz")
                run.send_signal(signal.SIGHUP)
                assert words.recv(4096).startswith(b"RELOADING=1\nMONOTONIC_USEC=")
                assert words.recv(4096) == b"READY=1"
                run.send_signal(signal.SIGTERM)
                assert words.recv(4096) == b"STOPPING=1\nSTATUS=draining"
                assert run.wait(PATIENCE_S) == 0, log.read_text()
            finally:
                run.kill()


def read(url: str) -> str:
    """Ask for a page."""
    with urlopen(url, timeout=PATIENCE_S) as answer:  # noqa: S310 - it is one of ours
        return str(answer.read().decode())


def test_an_address_that_is_none_is_told_in_one_line(tmp_path: Path) -> None:
    """On the command line, and with its line in the file."""
    module = tmp_path / "well.wasm"
    module.write_bytes(quiet(CONNECTED))
    config = tmp_path / "wasmhost.toml"
    config.write_text('[telemetry]\nlisten = "here"\n')
    command = [sys.executable, "-m", "wasmhost", "run", "--observer", str(module), "--from", "/dev/null"]
    for more, words in (
        (["--metrics", "example.org:1"], 'error: "example.org:1" is no address to listen on'),
        (["--config", str(config)], 'wasmhost.toml:2: listen in [telemetry] is wrong: "here" is no address'),
    ):
        done = subprocess.run([*command, *more], capture_output=True, text=True, check=False, cwd=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert words in done.stderr
