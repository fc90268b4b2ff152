"""Nodes, their signaling server and a host, each in a process of its own, as a user starts them."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.cli.helpers import ROOT, Result, ended, environment, eventually, recorder, started

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PYTHON_NODE = ROOT / "examples" / "python-node"
END_S = 30
"""How long a node may take to stop."""


@dataclass(frozen=True)
class Host:
    """A host that listens in ``folder``, with observers that a node can be seen by."""

    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def place(self) -> str:
        """Where nodes are to emit to."""
        return f"unix:{self.folder}/h.sock"

    def reports(self, observer: str, topic: str | None = None) -> list[dict[str, Any]]:
        """What an observer has reported by now."""
        file = self.folder / "reports.ndjson"
        text = file.read_text() if file.exists() else ""
        lines = [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in lines if line["observer"] == observer and topic in {None, line["topic"]}]

    def hooks(self, src: str | None = None) -> list[str]:
        """The hooks that were delivered, of one source or all, in order."""
        return [line["topic"] for line in self.reports("recorder") if src in {None, line["src"]}]

    def stop(self) -> Result:
        """End it in good order."""
        self.process.send_signal(signal.SIGTERM)
        return ended(self.process)


@contextmanager
def hosting(folder: Path, isolation: str = "process") -> Iterator[Host]:
    """Start a host with the example's observers and one that records, and wait until it listens.

    One that is started again appends to the same reports.
    """
    recorder(folder / "recorder.wasm")
    observers = ("--config", PYTHON_NODE / "wasmhost.toml", "--observer", "recorder.wasm")
    places = ("--from", "unix:h.sock", "--db", "h.db", "--reports", "reports.ndjson", "--json")
    with started("run", "--isolation", isolation, *observers, *places, cwd=folder) as process:
        eventually(lambda: _listens(folder / "h.sock"))
        yield Host(folder, process)


def _listens(path: Path) -> bool:
    """Tell whether somebody does; a host that was killed leaves its file behind."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
    return True


class Process:
    """A command of the Python node, with what it printed."""

    def __init__(self, name: str, *options: str, folder: Path) -> None:
        self._output = folder / f"{name}.out"
        with self._output.open("wb") as out:
            self.popen = subprocess.Popen(
                [sys.executable, PYTHON_NODE, *options],
                cwd=folder,
                env=environment(),
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def printed(self) -> str:
        """All that it printed by now."""
        return self._output.read_text()

    def wait_for(self, text: str, times: int = 1) -> None:
        """Wait until it has printed something so many times."""
        eventually(lambda: self.printed.count(text) >= times)

    def stop(self) -> dict[str, Any]:
        """End it in good order, and return what it says of its events."""
        self.popen.send_signal(signal.SIGTERM)
        assert self.popen.wait(END_S) == 0, self.printed
        counts: dict[str, Any] = json.loads(self.printed.splitlines()[-1])
        return counts

    def end(self) -> None:
        """Make an end, however it stands."""
        self.popen.kill()
        self.popen.wait(END_S)


@contextmanager
def running(name: str, *options: str, folder: Path) -> Iterator[Process]:
    """Start a command; it is killed in the end, if it still runs."""
    process = Process(name, *options, folder=folder)
    try:
        yield process
    finally:
        process.end()


@contextmanager
def signaling(folder: Path) -> Iterator[str]:
    """Start a signaling server, and give its URL."""
    with running("signaling", "signaling", "--port", "0", folder=folder) as server:
        server.wait_for("signaling server at ")
        yield server.printed.split()[-1]


def node(name: str, url: str, to: str, *, folder: Path, more: tuple[str, ...] = ()) -> Process:
    """Start a node that has a quick heartbeat and speaks a lot."""
    options = ("--name", name, "--signaling", url, "--to", to, "--heartbeat", "0.3", "--json", *more)
    return Process(name, "node", *options, folder=folder)
