"""Live nodes over TCP on the command line: where it listens, what it asks, and where it refuses to."""

from __future__ import annotations

import re
import signal
import socket
import time
from typing import TYPE_CHECKING

import cbor2

from tests.cli.helpers import accounted, ended, event, recorder, started, wasmhost

if TYPE_CHECKING:
    from pathlib import Path


def free_port() -> int:
    """A port that nobody listens on, most likely for a while."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def connected(port: int) -> socket.socket:
    """A connection to a host that listens by now."""
    give_up_at = time.monotonic() + 30
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=20)
        except ConnectionRefusedError:
            assert time.monotonic() < give_up_at
            time.sleep(0.02)


def test_a_node_with_a_token_over_tcp(tmp_path: Path) -> None:
    """It is welcome, acknowledged and heard; one with another is refused, and the log shows neither."""
    module = recorder(tmp_path / "recorder.wasm")
    port = free_port()
    (tmp_path / "tokens").write_text("sesame\n")
    (tmp_path / "c.toml").write_text(
        f"[source]\ntoken_file = 'tokens'\n[[observer]]\nmodule = '{module}'\n", encoding="utf-8"
    )
    with started(
        "run", "--config", "c.toml", "--from", f"tcp:127.0.0.1:{port}", "--json", cwd=tmp_path
    ) as run:
        with connected(port) as node:
            node.sendall(cbor2.dumps({"ack": True, "src": "n", "hello": 1, "token": "sesame"}))
            assert cbor2.loads(node.recv(64)) == {"welcome": 1}
            node.sendall(b"".join(event(seq) for seq in range(5)))
            while cbor2.loads(node.recv(64)) != {"ack": 4}:
                pass
        with connected(port) as node:
            node.sendall(cbor2.dumps({"src": "n", "hello": 1, "token": "swordfish"}) + event(0))
            assert cbor2.loads(node.recv(400))["error"].startswith("token: ")
        run.send_signal(signal.SIGTERM)
        result = ended(run)
    assert result.code == 0
    assert accounted(result.json)
    assert result.json["events"] == 5
    assert f"source=tcp:127.0.0.1:{port}" in result.err
    assert "token: this host does not know it" in result.err
    assert not re.search("sesame|swordfish", result.err)


def test_places_where_it_does_not_listen(tmp_path: Path) -> None:
    """Beyond loopback without TLS, no place at all, tokens that cannot be read: one line, exit code 2."""
    module = recorder(tmp_path / "recorder.wasm")
    (tmp_path / "c.toml").write_text("[source]\ntoken_file = 'none'\n")
    for source, more, why in (
        ("tcp:0.0.0.0:0", (), "beyond loopback that takes TLS with client certificates"),
        ("tcp:4100", (), "write tcp:HOST:PORT"),
        ("tcp:127.0.0.1:0", ("--config", "c.toml"), "cannot read tokens from"),
    ):
        result = wasmhost("run", "--observer", module, "--from", source, *more, cwd=tmp_path)
        assert result.code == 2
        assert len(result.err.splitlines()) == len(result.complaints) == 1
        assert why in result.complaints[0]
