"""What one connection may have, and that the others notice nothing when one wants more."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import anyio.to_thread
import cbor2
import pytest

from tests.sources.helpers import event, frames, hello, rejected
from tests.sources.running import Node, Running, at
from wasmhost.config.source import SourceConfig
from wasmhost.sources.connection import BEFORE_HELLO, LARGEST_SKIPPED, MANY_ITEMS, PIECE, PORTION, Connection

if TYPE_CHECKING:
    from wasmhost.sources import SourceItem

ROOT = Path(__file__).parents[2]


def blob(size: int) -> bytes:
    """An item of about ``size`` bytes that is no event."""
    return cbor2.dumps(b"x" * size)


async def neighbour_is_well(neighbour: Node, seq: int) -> None:
    """Whoever else is connected is heard and answered."""
    await neighbour.send(event(seq))
    await neighbour.acknowledged(seq)


async def test_large_items_are_skipped_and_larger_ones_end_their_connection(tmp_path: Path) -> None:
    """Neither is kept; the first is rejected, the second refused as soon as too much of it has come."""
    running = Running(tmp_path / "s")
    async with running, at(running) as node, at(running) as neighbour:
        await neighbour.send(hello("good", ack=True))
        await node.send(hello("n", ack=True), blob(70_000), event(0), blob(900_000), event(1))
        await node.acknowledged(1)
        await neighbour_is_well(neighbour, 0)
        await node.send(b"\x5b" + (1 << 62).to_bytes(8, "big") + bytes(LARGEST_SKIPPED + 4 * PORTION))
        assert await node.refused() == "oversized"
        await neighbour_is_well(neighbour, 1)
    assert frames(running.items) == [("n", 0), ("good", 0), ("n", 1)] or len(frames(running.items)) == 4
    assert len(rejected(running.items)) == 2


async def test_an_item_may_be_as_large_as_is_set(tmp_path: Path) -> None:
    """A smaller limit than the contract's."""
    running = Running(tmp_path / "s", SourceConfig(item_kib=1))
    large = cbor2.loads(event(0)) | {"later": "x" * 1_000}
    async with running, at(running) as node:
        await node.send(
            hello("n", ack=True), event(0), cbor2.dumps(large | {"seq": 1}, canonical=True), event(2)
        )
        await node.acknowledged(2)
    assert frames(running.items) == [("n", 0), ("n", 2)]
    assert "over 1024" in rejected(running.items)[0].reason


@pytest.mark.parametrize("settings", [{"events_s": 2_000}, {"kib_s": 2_000 * len(event(1)) / 1024}])
async def test_a_rate_slows_and_loses_nothing(tmp_path: Path, settings: dict[str, float]) -> None:
    """What is over it comes later, and a neighbour need not wait for it."""
    running = Running(tmp_path / "s", SourceConfig(**settings))  # type: ignore[arg-type]  # pyright: ignore
    async with running, at(running) as node, at(running) as neighbour:
        begin = time.monotonic()
        await node.send(hello("n", ack=True), b"".join(event(seq) for seq in range(3_000)))
        await running.until(2_000)
        await neighbour.send(hello("good", ack=True), event(0))
        await neighbour.acknowledged(0)
        assert len(running.items) < 3_001
        await node.acknowledged(2_999)
        # A second's worth came at once, and the last read may go into debt by all that it took.
        in_debt = PORTION // len(event(1)) + 1
        assert time.monotonic() - begin > (3_000 - 2_000 - in_debt) / 2_000
    assert [seq for src, seq in frames(running.items) if src == "n"] == list(range(3_000))


async def test_stop_does_not_wait_for_a_rate(tmp_path: Path) -> None:
    """What has come is taken, and that is the end."""
    running = Running(tmp_path / "s", SourceConfig(events_s=1))
    async with running, at(running) as node:
        await node.send(hello("n", ack=True), b"".join(event(seq) for seq in range(3_000)))
        await running.until(1)
        with anyio.fail_after(10):
            running.source.stop()
            await node.acknowledged(2_999)


async def test_a_flood_does_not_hold_up_others(tmp_path: Path) -> None:
    """Of what lies ready, each has a portion in turn: one event of another waits for two of them at most."""
    running = Running(tmp_path / "s", SourceConfig(events_s=0))
    source = running.source
    async with source:
        flood, other = at(running), at(running)
        flood.connection.setblocking(False)
        sent = flood.connection.send(hello("flood") + b"".join(event(seq) for seq in range(10_000)))
        assert sent > 4 * PORTION
        other.connection.sendall(event(7, src="other"))
        sources = []
        async for item in source:
            sources.append(frames([item])[0][0] if frames([item]) else None)
            if sources[-1] == "other":
                break
        assert len(sources) <= 2 * PORTION // len(event(0)) + 1
        flood.connection.close()
        other.connection.close()


async def test_a_flood_that_never_ends(tmp_path: Path) -> None:
    """Others are answered all the while."""
    running = Running(tmp_path / "s", SourceConfig(events_s=0, kib_s=0))
    block = b"".join(event(seq) for seq in range(1_000))
    async with running, at(running) as neighbour:
        over = threading.Event()
        flood = at(running)

        def pour() -> None:
            with flood.connection as connection:
                try:
                    while not over.is_set():
                        connection.sendall(block)
                except OSError:
                    pass

        thread = threading.Thread(target=pour)
        thread.start()
        try:
            await running.until(5_000)
            await neighbour.send(hello("good", ack=True))
            for seq in range(20):
                await neighbour_is_well(neighbour, seq)
        finally:
            over.set()
            await anyio.to_thread.run_sync(thread.join)


async def test_those_who_say_nothing(tmp_path: Path) -> None:
    """No hello in time, an item that is never completed, no event in time: each has its word."""
    settings = SourceConfig(tokens=("t",), hello_s=0.3, idle_s=1.0)
    running = Running(tmp_path / "s", settings)
    async with running, at(running) as silent, at(running) as halting, at(running) as idle:
        await halting.send(hello("halting", "t"), event(0)[:-1])
        await idle.send(hello("idle", "t"), event(0))
        assert await silent.refused() == "slow"
        assert await halting.refused() == "slow"
        assert await idle.refused() == "idle"
    assert frames(running.items) == [("idle", 0)]
    assert running.source.counts.refused == {"slow": 2, "idle": 1}


async def test_without_tokens_nobody_is_asked_who_it_is(tmp_path: Path) -> None:
    """A node may connect and have nothing to say for long."""
    running = Running(tmp_path / "s", SourceConfig(hello_s=0.05))
    async with running, at(running) as node:
        await anyio.sleep(0.3)
        await node.send(event(0))
        await running.until(1)
    assert frames(running.items) == [("unix-1", 0)]


async def dripping(node: Node, data: bytes) -> None:
    """Send it byte by byte."""
    for place in range(len(data)):
        await node.send(data[place : place + 1])
        await anyio.sleep(0.05)


async def test_bytes_that_drip_do_not_count(tmp_path: Path) -> None:
    """Who sends a byte now and then completes nothing, and is not kept for it."""
    running = Running(tmp_path / "s", SourceConfig(hello_s=0.2))
    async with running, at(running) as node:
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            await dripping(node, event(0))
    assert frames(running.items) == []


async def test_a_refused_one_that_does_not_read(tmp_path: Path) -> None:
    """It is closed all the same, and what it goes on sending is not kept."""
    running = Running(tmp_path / "s")
    async with running, at(running) as node:
        await node.send(b"\x1c")
        with pytest.raises(OSError, match=r"Broken pipe|reset"):
            await node.send(bytes(100_000_000))
        with anyio.fail_after(10):
            while running.source.counts.open:  # noqa: ASYNC110 - nobody would tell us
                await anyio.sleep(0.01)


async def test_the_memory_of_connections_that_withhold_an_end_is_bounded(tmp_path: Path) -> None:
    """A largest item each, less its last byte; nothing of one that is too large."""
    running = Running(tmp_path / "s")
    async with running:
        nodes = [at(running) for _ in range(4)]
        for node in nodes:
            await node.send(hello("n"), blob(65_000)[:-1])
        await nodes[0].send(b"x", blob(500_000)[:-1])
        await anyio.sleep(0.1)
        floor = running.source._floor
        assert floor is not None
        kept = [len(each._frames._splitter._kept) for each in floor._connections.values()]
        assert sorted(kept) == [0, 65_002, 65_002, 65_002]
        for node in nodes:
            node.connection.close()


OPEN = """
import anyio, resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (64, int(sys.argv[1])))
from wasmhost.config.source import SourceConfig
from wasmhost.errors import SourceError
from wasmhost.sources import open_source

async def main():
    connections = int(sys.argv[2]) or None
    async with open_source("unix:s", SourceConfig(connections=connections)) as source:
        print("inside", resource.getrlimit(resource.RLIMIT_NOFILE), source._floor._most)
    print("outside", resource.getrlimit(resource.RLIMIT_NOFILE))

try:
    anyio.run(main)
except SourceError as error:
    print("error:", error)
"""


def opened(folder: Path, hard: int, connections: int) -> str:
    """What a process with that limit says that opens a source for so many connections; 0 for the default."""
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(hard), str(connections)],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_the_limit_of_open_files_is_raised_and_put_back(tmp_path: Path) -> None:
    """As far as the connections take."""
    said = opened(tmp_path, 4_096, 2_000)
    assert said.splitlines() == ["inside (2256, 4096) 2000", "outside (64, 4096)"]


def test_fewer_connections_than_by_default_are_told(tmp_path: Path) -> None:
    """Where the process may not have so many open files."""
    said = opened(tmp_path, 1_024, 0)
    assert "fewer connections than by default" in said
    assert "connections=768" in said
    assert "inside (1024, 1024) 768" in said


def test_more_connections_than_there_can_be_are_refused(tmp_path: Path) -> None:
    """Where somebody asked for them, it says what to do."""
    said = opened(tmp_path, 1_024, 5_000)
    assert said.startswith("error: connections = 5000 takes 5256 open files, and this process may have 1024")
    assert "LimitNOFILE" in said


async def test_one_that_rests_for_long_does_not_lengthen_the_rest_of_others(tmp_path: Path) -> None:
    """Each is read on when its own debt is paid."""
    running = Running(tmp_path / "s", SourceConfig(events_s=2))
    async with running, at(running) as flood, at(running) as neighbour:
        await flood.send(hello("flood"), *(event(seq) for seq in range(150)))  # more than a minute's worth
        await running.until(150)
        await neighbour.send(hello("good", ack=True), event(0), event(1), event(2))
        await neighbour.acknowledged(2)
        await neighbour.send(event(3))
        await neighbour.acknowledged(3)


async def test_very_small_items_take_no_longer_a_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each costs as much as an event: a portion of zeros would be thousands of them, and everybody waits."""
    counts: list[int] = []
    read = Connection.read

    def counted(self: Connection) -> list[SourceItem]:
        items = read(self)
        counts.append(len(items))
        return items

    monkeypatch.setattr(Connection, "read", counted)
    running = Running(tmp_path / "s")
    async with running, at(running) as node:
        await node.send(b"".join(event(seq) for seq in range(40)), bytes(2 * PORTION), event(40))
        await running.until(2 * PORTION + 41)
    assert max(counts) <= MANY_ITEMS + PIECE
    assert sum(counts) >= 2 * PORTION + 41
    assert frames(running.items) == [("unix-1", seq) for seq in range(41)]


async def test_a_stranger_may_hold_little(tmp_path: Path) -> None:
    """Where there are tokens: a few kilobytes of an item that never ends, and not those of an event."""
    running = Running(tmp_path / "s", SourceConfig(tokens=("0123456789abcdef",)))
    async with running, at(running) as node:
        await node.send(b"\x59\xff\xff" + bytes(BEFORE_HELLO + PORTION))
        assert await node.refused() == "oversized"
