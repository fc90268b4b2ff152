"""What connections cost on this machine: ``make connections``. The clock depends on who else runs.

Each row has a process of its own for the source, and one for the nodes.
"""

from __future__ import annotations

import asyncio
import resource
import socket
import ssl
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cbor2

from tests.contract.strategies import plain_event
from tests.sources.certificates import Certificates
from tests.sources.helpers import hello
from wasmhost.config.source import SourceConfig
from wasmhost.contract.codec import Frame
from wasmhost.sources import open_source
from wasmhost.sources.listening import ListeningSource

EVENTS = 50_000
ROWS = (
    # kind of socket, connections, events of each, events in one write
    ("unix", 1, EVENTS, 200),
    ("unix", 1, EVENTS // 2, 1),
    ("tcp", 1, EVENTS, 200),
    ("tls", 1, EVENTS, 200),
    ("unix", 1_000, EVENTS // 1_000, 1),
    ("tcp", 1_000, EVENTS // 1_000, 1),
    ("tls", 1_000, EVENTS // 1_000, 1),
    ("unix", 5_000, 10, 1),
)


def resident_kib() -> int:
    """What this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() // 1024


def allow_files(count: int) -> None:
    """Let this process open so many."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, count), hard))


def play_nodes(name: str, folder: Path, connections: int, events: int, together: int) -> None:
    """Connect, say hello, wait for a line, and send."""
    allow_files(connections + 64)
    context = None
    if (folder / "node.pem").exists():
        context = ssl.create_default_context(cafile=folder / "nodes.pem")
        context.load_cert_chain(folder / "node.pem")
    nodes = []
    for number in range(connections):
        kind, _, place = name.partition(":")
        if kind == "unix":
            node = socket.socket(socket.AF_UNIX)
            node.connect(place)
        else:
            node = socket.create_connection(("127.0.0.1", int(place.rpartition(":")[2])))
            node = node if context is None else context.wrap_socket(node, server_hostname="localhost")
        node.sendall(hello(f"n-{number}", ack=True))
        node.recv(64)
        nodes.append(node)
    encoded = [cbor2.dumps(plain_event(seq=seq), canonical=True) for seq in range(events)]
    writes = [b"".join(encoded[at : at + together]) for at in range(0, events, together)]
    sys.stdout.write("in\n")
    sys.stdout.flush()
    sys.stdin.readline()
    for data in writes:
        for node in nodes:
            node.sendall(data)
    sys.stdin.readline()


async def measure(kind: str, connections: int, events: int, together: int) -> str:
    """Return one row."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        settings = SourceConfig(events_s=0, kib_s=0)
        if kind == "tls":
            certificates = Certificates(folder)
            certificates.save_node(folder / "node.pem")
            settings = certificates.settings(events_s=0, kib_s=0)
        place = f"unix:{folder}/s" if kind == "unix" else "tcp:127.0.0.1:0"
        source = open_source(place, settings)
        assert isinstance(source, ListeningSource)
        async with source:
            return await _measured(source, folder, kind, (connections, events, together))


async def _measured(source: ListeningSource, folder: Path, kind: str, row: tuple[int, int, int]) -> str:
    connections, events, together = row
    taken = 0

    async def take() -> None:
        nonlocal taken
        async for item in source:
            taken += isinstance(item, Frame)

    taking = asyncio.create_task(take())
    await asyncio.sleep(0.1)
    memory, began = resident_kib(), time.process_time()
    nodes = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.sources.measure", source.name, str(folder), *map(str, row)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert nodes.stdin is not None
    assert nodes.stdout is not None
    await nodes.stdout.readline()
    greeting = time.process_time() - began
    memory = resident_kib() - memory
    nodes.stdin.write(b"\n")
    clock, began = time.monotonic(), time.process_time()
    while taken < connections * events:  # noqa: ASYNC110 - an event for each would be measured, too
        await asyncio.sleep(0.01)
    clock, used = time.monotonic() - clock, time.process_time() - began
    nodes.stdin.write(b"\n")
    await nodes.wait()
    source.stop()
    await taking
    each = 1e6 / (connections * events)
    return (
        f"{kind:5}{connections:>12,}{together:>10}{memory / connections:>12.1f}"
        f"{greeting / connections * 1e6:>12.0f}{used * each:>12.1f}{connections * events / clock:>12,.0f}\n"
    )


def main() -> None:
    """Measure all rows, each in a process of its own."""
    titles = ("connections", "together", "KiB each", "µs/hello", "µs/event", "events/s")
    widths = (12, 10, 12, 12, 12, 12)
    sys.stdout.write(
        "kind " + "".join(f"{title:>{width}}" for title, width in zip(titles, widths, strict=True))
    )
    sys.stdout.write("\n")
    sys.stdout.flush()
    for row in ROWS:
        subprocess.run([sys.executable, "-m", "tests.sources.measure", "row", *map(str, row)], check=True)


if __name__ == "__main__":
    match sys.argv[1:]:
        case []:
            main()
        case ["row", kind, *numbers]:
            allow_files(20_000)
            sys.stdout.write(asyncio.run(measure(kind, *map(int, numbers))))
        case [name, folder, *numbers]:
            play_nodes(name, Path(folder), *map(int, numbers))
