"""Measures what one host costs, per event, connection and observer: `make scale`.

    python -m tests.scale.measure [--events N] [--connections N]

Real hosts (`wasmhost run --from unix:…`, guests in processes), real sockets, nodes in a process of their own.
docs/scale.md has what was seen, and reckons with it.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import psutil  # type: ignore[import-untyped]  # it has none

from tests.host.helpers import quiet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MIB: Final = 1024 * 1024
_START_S: Final = 60.0
_MANY: Final = 51  # observers, beside one
_IDLE_S: Final = 2.0
# Connections, observers, profiles (0: nothing is disguised), shards.
_CASES: Final = (
    (1, 1, 0, 1),
    (1, 1, 1, 1),
    (100, 1, 1, 1),
    (1_000, 1, 1, 1),
    (100, 8, 0, 1),
    (100, 8, 1, 1),
    (100, 8, 8, 1),
    (100, 8, 1, 2),
)


class Host:
    """A running host, and what it and its processes use."""

    def __init__(self, process: subprocess.Popen[bytes], socket: Path) -> None:
        self.socket = socket
        self._process = psutil.Process(process.pid)

    def processor_s(self) -> tuple[float, float]:
        """Processor time so far: the host's own, and that of all others."""
        own, *others = (sum(each.cpu_times()[:2]) for each in self._family())
        return own, sum(others)

    def memory_mib(self) -> tuple[float, float]:
        """The same of memory, shared pages divided among those that share them."""
        own, *others = (each.memory_full_info().pss / _MIB for each in self._family())
        return own, sum(others)

    def _family(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]


@contextmanager
def hosting(observers: int, shards: int, *, profiles: int = 1) -> Iterator[Host]:
    """Run a host with so many observers that do nothing, until the block ends.

    They are of so many profiles; 0: they are granted all fields, so that nothing is disguised for them.
    """
    grant = "" if profiles else 'grant = ["peer", "self", "stream", "credential"]\n'
    tables = [
        f'[[observer]]\nname = "o{number}"\nmodule = "quiet.wasm"\n'
        f'profile = "p{number % max(1, profiles)}"\n{grant}'
        for number in range(observers)
    ]
    with tempfile.TemporaryDirectory(prefix="wasmhost-scale-") as name:
        folder = Path(name)
        (folder / "quiet.wasm").write_bytes(quiet())
        (folder / "w.toml").write_text("[source]\nevents_s = 0\nkib_s = 0\n" + "".join(tables))
        command = ["run", "--config", "w.toml", "--from", "unix:h.sock", "--shards", str(shards)]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "wasmhost", *command], cwd=folder, stdout=log, stderr=log
            )
        try:
            _await_listening(process, folder / "log")
            yield Host(process, folder / "h.sock")
        finally:
            process.terminate()
            process.wait()


def _await_listening(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _START_S
    while b"listening" not in log.read_bytes():
        if time.monotonic() > until or process.poll() is not None:
            raise RuntimeError(f"the host does not listen: {log.read_text()}")
        time.sleep(0.05)


@contextmanager
def nodes(host: Host, connections: int, events: int) -> Iterator[subprocess.Popen[str]]:
    """Have so many connections, which will send so many events."""
    command = [sys.executable, "-m", "tests.scale.load", str(host.socket), str(connections), str(events)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        _expect(process.stdout, "connected")
        yield process
    finally:
        process.kill()
        process.communicate()


def _expect(stream: IO[str] | None, word: str) -> None:
    assert stream is not None
    line = stream.readline().strip()
    if line != word:
        raise RuntimeError(f"the nodes said {line!r} where {word!r} was expected")


@dataclass(frozen=True, slots=True)
class Flow:
    """Events through sockets: on the clock, and processor time of the host and of its shards."""

    connections: int
    observers: int
    profiles: int
    shards: int
    events: int
    seconds: float
    host_s: float
    shards_s: float

    def row(self) -> str:
        """For people."""
        each = 1e6 / self.events
        return (
            f"  {self.connections:11,} {self.observers:9} {self.profiles:8} {self.shards:6} "
            f"{self.events / self.seconds:9,.0f} {self.host_s * each:7.1f} {self.shards_s * each:9.1f}"
        )


def flow(connections: int, observers: int, profiles: int, shards: int, events: int) -> Flow:
    """Send events, and wait until all have been taken and served."""
    with hosting(observers, shards, profiles=profiles) as host, nodes(host, connections, events) as sender:
        before = host.processor_s()
        began = time.monotonic()
        assert sender.stdin is not None
        sender.stdin.write("go\n")
        sender.stdin.flush()
        _expect(sender.stdout, "taken")
        seconds = time.monotonic() - began
        time.sleep(_IDLE_S)  # what was taken is served
        after = host.processor_s()
    own, others = (later - earlier for later, earlier in zip(after, before, strict=True))
    return Flow(connections, observers, profiles, shards, events, seconds, own, others)


def connection_kib(connections: int) -> float:
    """What a connection that has said hello, and nothing since, takes of the host's memory."""
    with hosting(1, 1) as host:
        with nodes(host, 1, 0):
            before = host.memory_mib()[0]
        with nodes(host, connections, 0):
            return (host.memory_mib()[0] - before) * 1024 / connections


def observer_mib() -> tuple[float, float, float]:
    """Memory of a host with one observer: its own, and its shard's and zygote's; and of another one."""
    with hosting(1, 1) as host, nodes(host, 1, 0):
        own, others = host.memory_mib()
    with hosting(_MANY, 1) as host, nodes(host, 1, 0):
        more = sum(host.memory_mib()) - own - others
    return own, others, more / (_MANY - 1)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure all of it."""
    parser = argparse.ArgumentParser(description="measure what one host costs")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=5_000)
    given = parser.parse_args(argv)
    _say("events through sockets, and µs of processor time for each, of the host and of its shards")
    _say("  connections observers profiles shards  events/s    host    shards")
    for case in _CASES:
        _say(flow(*case, given.events).row())
    own, others, more = observer_mib()
    _say("memory, shared pages divided")
    _say(f"  a host {own:.0f} MiB, its zygote and one shard {others:.0f} MiB")
    _say(f"  each small observer more {more * 1024:.0f} KiB")
    _say(f"  each connection, of {given.connections:,}: {connection_kib(given.connections):.1f} KiB")
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
