"""Live nodes on a socket: several at once, one of them broken, until a signal ends it."""

from __future__ import annotations

import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

import cbor2
import pytest

from tests.cli.helpers import accounted, ended, event, eventually, recorder, started, wasmhost

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = 300


def hello(src: str) -> bytes:
    """The first item of a stream that says who speaks."""
    return cbor2.dumps({"src": src, "hello": 1}, canonical=True)


def connected(path: Path) -> socket.socket:
    """A connection to a host that listens by now."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)

    def listening() -> bool:
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    eventually(listening)
    return connection


def speak(path: Path, src: str) -> None:
    """One node: a hello, then its events in pieces of any size."""
    data = hello(src) + b"".join(event(seq) for seq in range(EVENTS))
    with connected(path) as connection:
        for place in range(0, len(data), 1000):
            connection.sendall(data[place : place + 1000])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_nodes_on_a_socket(tmp_path: Path, number: signal.Signals) -> None:
    """Two nodes at once and one that writes nonsense: the two are heard whole and in order."""
    path = tmp_path / "h.sock"
    module = recorder(tmp_path / "recorder.wasm")
    with started("run", "--observer", module, "--from", f"unix:{path}", "--json", cwd=tmp_path) as run:
        nodes = [threading.Thread(target=speak, args=(path, src)) for src in ("north", "south")]
        for node in nodes:
            node.start()
        with connected(path) as broken:
            broken.sendall(hello("noise") + event(0) + b"\x1c" + event(1))
            assert cbor2.loads(broken.recv(4096))["error"].startswith("malformed: ")
            assert broken.recv(1) == b""  # the host closes the connection
        for node in nodes:
            node.join(timeout=30)
        run.send_signal(number)
        result = ended(run)
    assert accounted(result.json)
    assert result.json["events"] == 2 * EVENTS + 1
    assert result.observer("recorder")["dropped"] == 0
    for src in ("north", "south"):
        assert [line["body"] for line in result.reports if line["src"] == src] == list(range(EVENTS))
    assert [line["body"] for line in result.reports if line["src"] == "noise"] == [0]
    assert "source ended early" in result.err
    assert "source=noise" in result.err
    assert result.complaints == []
    assert result.code == 0  # one bad node is no failure of the run
    assert not path.exists()


def test_a_live_run_that_nothing_is_wrong_with_ends_with_0(tmp_path: Path) -> None:
    """It says where it listens, and a signal is its ordinary end."""
    path = tmp_path / "h.sock"
    module = recorder(tmp_path / "recorder.wasm")
    with started("run", "--observer", module, "--from", f"unix:{path}", cwd=tmp_path) as run:
        speak(path, "north")
        run.send_signal(signal.SIGTERM)
        result = ended(run)
    assert result.code == 0
    assert f"listening source=unix:{path}" in result.err.replace("event=", "")
    assert "300 events, 0 rejected" in result.err


def test_a_full_mailbox_drops_and_counts(tmp_path: Path) -> None:
    """A live run waits for nobody: what does not fit is dropped, and still accounted for."""
    path = tmp_path / "h.sock"
    module = recorder(tmp_path / "recorder.wasm")
    (tmp_path / "c.toml").write_text(f"[[observer]]\nmodule = '{module}'\nmailbox = 1\n")
    with started("run", "--config", "c.toml", "--from", f"unix:{path}", "--json", cwd=tmp_path) as run:
        speak(path, "north")
        run.send_signal(signal.SIGTERM)
        result = ended(run)
    assert result.code == 0
    assert accounted(result.json)
    assert result.json["events"] == EVENTS


def test_a_path_that_is_taken_is_refused(tmp_path: Path) -> None:
    """A second host on the same socket, a file in its place, no such folder: one line, exit code 2."""
    module = recorder(tmp_path / "recorder.wasm")
    path = tmp_path / "h.sock"
    with started("run", "--observer", module, "--from", f"unix:{path}", "--db", "1.db", cwd=tmp_path):
        connected(path).close()
        second = wasmhost("run", "--observer", module, "--from", f"unix:{path}", cwd=tmp_path)
    (tmp_path / "file").touch()
    for result in (
        second,
        wasmhost("run", "--observer", module, "--from", "unix:file", cwd=tmp_path),
        wasmhost("run", "--observer", module, "--from", "unix:no/such/folder", cwd=tmp_path),
    ):
        assert result.code == 2
        assert len(result.err.splitlines()) == len(result.complaints) == 1
        assert "cannot listen on unix:" in result.complaints[0]


def test_what_a_dead_host_left_is_replaced(tmp_path: Path) -> None:
    """After SIGKILL the socket file is still there, and no obstacle."""
    path = tmp_path / "h.sock"
    module = recorder(tmp_path / "recorder.wasm")
    for number in (signal.SIGKILL, signal.SIGTERM):
        with started("run", "--observer", module, "--from", f"unix:{path}", cwd=tmp_path) as run:
            eventually(lambda: os.path.exists(path))  # noqa: PTH110
            connected(path).close()
            run.send_signal(number)
            run.wait(timeout=20)
    assert run.returncode == 0
