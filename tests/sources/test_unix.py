"""Live nodes on a socket: many, misbehaving, gone."""

from __future__ import annotations

import os
import resource
import socket
import stat
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import anyio
import cbor2
import pytest
from structlog.testing import capture_logs

from tests.sources.helpers import collect, descriptors, ends, event, frames, hello, rejected
from wasmhost.config.source import SourceConfig
from wasmhost.errors import SourceError
from wasmhost.sources import SourceItem, UnixSource

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping
    from pathlib import Path


def connect(path: Path) -> socket.socket:
    """Connect as a node does."""
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    return connection


def send(path: Path, data: bytes) -> None:
    """Connect, send and hang up."""
    with connect(path) as connection:
        connection.sendall(data)


class Running:
    """A source that is read in the background; ``items`` is what has come."""

    def __init__(self, path: Path, settings: SourceConfig | None = None) -> None:
        self.path = path
        self.source = UnixSource(path, settings)
        self.items: list[SourceItem] = []
        self._more = anyio.Event()

    async def iterate(self) -> None:
        """Read until the source ends."""
        async for item in self.source:
            self.items.append(item)
            self._more.set()

    async def until(self, count: int) -> None:
        """Wait until ``count`` items have come."""
        with anyio.fail_after(10):
            while len(self.items) < count:
                self._more = anyio.Event()
                await self._more.wait()


async def test_many_connections_at_once(tmp_path: Path) -> None:
    """Each node's events come in its own order, named by the node, its hello or its connection."""
    running = Running(tmp_path / "s")

    def node(number: int) -> None:
        opening = hello(f"node-{number}") if number % 2 else b""
        send(running.path, opening + b"".join(event(seq) for seq in range(300)))

    nodes = [threading.Thread(target=node, args=(number,)) for number in range(20)]
    async with running.source, anyio.create_task_group() as tasks:
        tasks.start_soon(running.iterate)
        for thread in nodes:
            thread.start()
        await running.until(20 * 301)
        running.source.stop()
    for thread in nodes:
        thread.join()
    by_source: dict[str | None, list[int]] = {}
    for source, seq in frames(running.items):
        by_source.setdefault(source, []).append(seq)
    assert len(by_source) == 20
    assert all(numbers == list(range(300)) for numbers in by_source.values())
    assert {f"node-{number}" for number in range(1, 20, 2)} < set(by_source)
    assert sum(str(source).startswith("unix-") for source in by_source) == 10
    assert [end.error for end in ends(running.items)] == [None] * 20


async def test_a_malformed_item_closes_its_connection_only(tmp_path: Path) -> None:
    """The bad node is told, hung up on and named with the byte; its neighbour goes on."""
    running = Running(tmp_path / "s")
    async with running.source, anyio.create_task_group() as tasks:
        tasks.start_soon(running.iterate)
        good, bad = connect(running.path), connect(running.path)
        with good, bad:
            good.sendall(hello("good") + event(0))
            bad.sendall(hello("bad") + event(0) + b"\xc1\x01" + b"\x1c")
            await running.until(4)
            assert cbor2.loads(await anyio.to_thread.run_sync(bad.recv, 4096))["error"].startswith(
                "malformed: "
            )
            assert await anyio.to_thread.run_sync(bad.recv, 1) == b""
            good.sendall(event(1))
            await running.until(5)
        await running.until(6)
        running.source.stop()
    assert [seq for source, seq in frames(running.items) if source == "good"] == [0, 1]
    assert [item.source for item in rejected(running.items)] == ["bad"]
    (bad_end,) = [end for end in ends(running.items) if end.source == "bad"]
    assert bad_end.offset == len(hello("bad") + event(0)) + 2
    assert bad_end.error is not None


async def test_a_node_that_dies_in_the_middle_of_an_event(tmp_path: Path) -> None:
    """The end of its stream is an error that names the byte, and nothing else is disturbed."""
    running = Running(tmp_path / "s")
    async with running.source, anyio.create_task_group() as tasks:
        tasks.start_soon(running.iterate)
        send(running.path, event(0) + event(1)[:7])
        await running.until(2)
        running.source.stop()
    (end,) = ends(running.items)
    assert end.error is not None
    assert "truncated" in end.error
    assert end.offset == len(event(0))


async def test_stop_takes_what_was_sent_before_it(tmp_path: Path) -> None:
    """All bytes that nodes had sent are read, also of connections not accepted yet; then it ends."""
    running = Running(tmp_path / "s")
    async with running.source:
        open_nodes = [connect(running.path) for _ in range(3)]
        for node in open_nodes:
            node.sendall(b"".join(event(seq) for seq in range(100)) + event(100)[:5])
        running.source.stop()
        with anyio.fail_after(5):
            items = await collect(running.source)
        for node in open_nodes:
            node.close()
    assert len(frames(items)) == 300
    assert [end.error for end in ends(items)] == [None] * 3


async def test_stop_takes_what_came_just_before_it_to_an_idle_source(tmp_path: Path) -> None:
    """Bytes and connections that the event loop has not been told of yet count as sent before."""
    running = Running(tmp_path / "s")
    async with running.source, anyio.create_task_group() as tasks:
        tasks.start_soon(running.iterate)
        with connect(running.path) as known:
            known.sendall(event(0))
            await running.until(1)
            await anyio.sleep(0.02)
            known.sendall(event(1))
            send(running.path, event(2))
            running.source.stop()
    assert sorted(seq for _, seq in frames(running.items)) == [0, 1, 2]


async def test_stop_ends_also_under_a_node_that_never_pauses(tmp_path: Path) -> None:
    """A flood can't hold the host: after stop() only so much more is read of each connection."""
    running = Running(tmp_path / "s")
    block = b"".join(event(seq) for seq in range(1_000))

    def flood() -> None:
        with connect(running.path) as node:
            try:
                while True:
                    node.sendall(block)
            except (BrokenPipeError, ConnectionResetError):
                pass

    node = threading.Thread(target=flood)
    async with running.source, anyio.create_task_group() as tasks:
        tasks.start_soon(running.iterate)
        node.start()
        await running.until(5_000)
        running.source.stop()
    node.join(timeout=5)
    assert not node.is_alive()


async def test_an_exception_while_reading_passes_as_it_is_and_closes_all(tmp_path: Path) -> None:
    """Leaving the block in any way hangs up, removes the socket, and changes no exception."""
    path = tmp_path / "s"

    async def fail() -> None:
        async with UnixSource(path) as source:
            send(path, event(0))
            async for _ in source:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert not path.exists()


async def test_cancelling_is_prompt(tmp_path: Path) -> None:
    """A cancelled host leaves nothing behind."""
    path = tmp_path / "s"
    with anyio.fail_after(5), anyio.move_on_after(0.05) as scope:
        async with UnixSource(path) as source:
            with connect(path):
                await collect(source)
    assert scope.cancelled_caught
    assert not path.exists()


async def test_only_the_owner_may_connect(tmp_path: Path) -> None:
    """The socket's mode is 0600, whatever the umask."""
    before = os.umask(0)
    try:
        async with UnixSource(tmp_path / "s"):
            assert stat.S_IMODE((tmp_path / "s").lstat().st_mode) == 0o600
    finally:
        os.umask(before)


async def test_socket_of_a_killed_process_is_replaced(tmp_path: Path) -> None:
    """A host that was killed leaves its file; the next one takes its place."""
    path = tmp_path / "s"
    code = """
import os, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
os.kill(os.getpid(), 9)
"""
    await anyio.run_process([sys.executable, "-c", code, path], check=False)
    assert path.is_socket()
    running = Running(path)
    async with running.source, anyio.create_task_group() as tasks:
        tasks.start_soon(running.iterate)
        send(path, event(0))
        await running.until(2)
        running.source.stop()
    assert not path.exists()


async def test_socket_of_a_live_process_is_not(tmp_path: Path) -> None:
    """Two hosts on one path: the second is refused, the first keeps listening."""
    path = tmp_path / "s"
    async with UnixSource(path) as first:
        with pytest.raises(
            SourceError, match=f"cannot listen on unix:{path}: another process is listening on it"
        ):
            async with UnixSource(path):
                pass
        send(path, event(5))
        first.stop()
        assert frames(await collect(first))[0][1] == 5


async def test_other_files_are_not_removed(tmp_path: Path) -> None:
    """A path that is a file, a folder or a link keeps what is there."""
    (tmp_path / "file").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "folder").mkdir()
    for name in ("file", "link", "folder"):
        with pytest.raises(SourceError, match="another kind of file"):
            async with UnixSource(tmp_path / name):
                pass
    assert (tmp_path / "link").read_text() == "precious"


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing/s", "no such file or directory"), ("x" * 200, "path too long"), ("file/s", "not a directory")],
)
async def test_paths_that_cannot_be_used(tmp_path: Path, name: str, reason: str) -> None:
    """One line with the path and the reason."""
    (tmp_path / "file").touch()
    with pytest.raises(SourceError, match=rf"cannot listen on unix:.*{reason}"):
        async with UnixSource(tmp_path / name):
            pass


async def test_a_file_that_took_our_place_is_not_removed(tmp_path: Path) -> None:
    """At the end only our own socket is removed, and its absence is no error."""
    path = tmp_path / "s"
    async with UnixSource(path):
        path.unlink()
        path.write_text("other")
    assert path.read_text() == "other"
    path.unlink()
    async with UnixSource(path):
        path.unlink()


async def test_more_nodes_than_places_are_told(tmp_path: Path) -> None:
    """Beyond the limit a node is told and hung up on, and may come again; those inside are not disturbed."""
    running = Running(tmp_path / "s", SourceConfig(connections=2))
    async with running.source, anyio.create_task_group() as tasks:
        tasks.start_soon(running.iterate)
        nodes = [connect(running.path) for _ in range(2)]
        for number, node in enumerate(nodes):
            node.sendall(event(number))
        await running.until(2)
        with connect(running.path) as third:
            said = await anyio.to_thread.run_sync(third.recv, 4096)
        assert cbor2.loads(said)["error"].startswith("full: ")
        nodes[0].close()
        await running.until(3)
        send(running.path, event(2))
        await running.until(5)
        nodes[1].close()
        await running.until(6)
        running.source.stop()
    assert sorted(seq for _, seq in frames(running.items)) == [0, 1, 2]
    assert running.source.counts.refused == {"full": 1}


@contextmanager
def no_descriptors_left() -> Iterator[None]:
    """Let nothing in this process open another file."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(descriptors()), limits[1]))
    fillers: list[int] = []
    try:
        with suppress(OSError):
            while True:
                fillers.append(os.dup(0))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        for filler in fillers:
            os.close(filler)


async def test_running_out_of_descriptors_is_survived(tmp_path: Path) -> None:
    """When the process has none left, it says so and accepts as soon as it has."""
    running = Running(tmp_path / "s")
    logs: list[MutableMapping[str, object]] = []
    async with running.source, anyio.create_task_group() as tasks:
        tasks.start_soon(running.iterate)
        with socket.socket(socket.AF_UNIX) as node, capture_logs() as captured:
            with no_descriptors_left():
                node.connect(str(running.path))
                node.sendall(event(0))
                await anyio.sleep(0.05)
            logs.extend(captured)
            await running.until(1)
        running.source.stop()
    assert [entry["event"] for entry in logs] == ["cannot accept yet"]
    assert len(frames(running.items)) == 1


async def test_no_descriptor_is_left(tmp_path: Path) -> None:
    """Listening, connecting and closing leave the process as it was."""
    async with UnixSource(tmp_path / "s"):
        pass
    before = len(descriptors())
    for _ in range(10):
        async with UnixSource(tmp_path / "s") as source:
            with connect(tmp_path / "s"):
                source.stop()
                await collect(source)
    assert len(descriptors()) == before
