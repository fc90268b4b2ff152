"""Events from files, pipes and standard input."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
import sys
import threading
from pathlib import Path

import anyio
import pytest

from tests.sources.helpers import TRACE, collect, descriptors, ends, event, frames
from wasmhost.contract.codec import Frame
from wasmhost.errors import SourceError
from wasmhost.sources import FileSource, SourceEnded, SourceItem, open_source

ROOT = Path(__file__).parent.parent.parent

READ_STDIN = """
import anyio, sys
from tests.sources.helpers import collect, frames
from wasmhost.sources import open_source

async def main():
    async with open_source("-") as source:
        with anyio.move_on_after(float(sys.argv[1])):
            items = await collect(source)
            print(len(frames(items)), items[-1])
            return
        print("gave up")

anyio.run(main)
"""


def read_stdin(stdin: int, *, wait_s: float = 30) -> str:
    """Return what a process reads from ``stdin``, given ``wait_s`` seconds to reach its end."""
    done = subprocess.run(
        [sys.executable, "-c", READ_STDIN, str(wait_s)],
        cwd=ROOT,
        stdin=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


async def read(path: Path) -> list[SourceItem]:
    """Return all items of the file at ``path``."""
    async with FileSource(path) as source:
        return await collect(source)


async def test_the_real_trace() -> None:
    """All 65 events, in order, then a proper end."""
    items = await read(TRACE)
    assert len(items) == 66
    assert all(isinstance(item, Frame) for item in items[:-1])
    assert [seq for _, seq in frames(items)] == sorted(seq for _, seq in frames(items))
    assert items[-1] == SourceEnded(TRACE.name, TRACE.stat().st_size)


async def test_a_file_is_the_same_each_time_and_names_its_events(tmp_path: Path) -> None:
    """Events without src get the file's base name."""
    path = tmp_path / "x.cborseq"
    path.write_bytes(b"".join(event(seq) for seq in range(10_000)))
    first = await read(path)
    assert frames(first) == [("x.cborseq", seq) for seq in range(10_000)]
    assert await read(path) == first


async def test_empty_file(tmp_path: Path) -> None:
    """No events is a proper end."""
    path = tmp_path / "x"
    path.touch()
    assert await read(path) == [SourceEnded("x", 0)]


async def test_device_without_waiting() -> None:
    """A device that the event loop can't wait for is read all the same."""
    assert await read(Path("/dev/null")) == [SourceEnded("null", 0)]


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: None, "no such file or directory"),  # noqa: ARG005 - there is nothing to make
        (lambda path: path.mkdir(), "is a directory"),
        (
            lambda path: socket.socket(socket.AF_UNIX).bind(str(path)),
            "it is a socket; to listen on it write unix:PATH",
        ),
        (lambda path: path.symlink_to(path), "too many levels of symbolic links"),
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
async def test_what_cannot_be_opened_gets_one_line(tmp_path: Path, make: object, reason: str) -> None:
    """The path and the reason, before any event."""
    path = tmp_path / "x"
    assert callable(make)
    make(path)
    with pytest.raises(SourceError) as raised:
        await read(path)
    assert str(raised.value) == f"cannot read events from {path}: {reason}"


async def test_a_file_that_fails_while_it_is_read() -> None:
    """An error of the device ends the source with the byte; here the kernel refuses address 0."""
    items = await read(Path("/proc/self/mem"))
    assert items == [SourceEnded("mem", 0, "cannot be read on at byte 0: input/output error")]


async def test_stopping_a_named_pipe_without_a_writer(tmp_path: Path) -> None:
    """Neither opening nor waiting holds the event loop, and stop() ends it."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    items: list[SourceItem] = []
    async with FileSource(path) as source, anyio.create_task_group() as tasks:

        async def iterate() -> None:
            items.extend(await collect(source))

        tasks.start_soon(iterate)
        await anyio.sleep(0.02)
        assert items == []
        source.stop()
    assert items == [SourceEnded("fifo", 0)]


async def test_named_pipe(tmp_path: Path) -> None:
    """A writer that comes later is waited for, and heard to its end."""
    path = tmp_path / "fifo"
    os.mkfifo(path)

    def write() -> None:
        with path.open("wb") as pipe:
            for seq in range(2_000):
                pipe.write(event(seq))

    writer = threading.Thread(target=write)
    async with FileSource(path) as source:
        writer.start()
        items = await collect(source)
    writer.join()
    assert len(frames(items)) == 2_000


async def test_stop_before_and_in_the_middle(tmp_path: Path) -> None:
    """A stopped file source ends without an error and without the rest."""
    path = tmp_path / "x"
    path.write_bytes(b"".join(event(seq) for seq in range(20_000)))
    items: list[SourceItem] = []
    async with FileSource(path) as source:
        async for item in source:
            items.append(item)
            source.stop()
    assert 0 < len(frames(items)) < 20_000
    assert [end.error for end in ends(items)] == [None]
    async with FileSource(path) as source:
        source.stop()
        assert await collect(source) == [SourceEnded("x", 0)]


async def test_cancelling_a_wait_is_prompt(tmp_path: Path) -> None:
    """Cancellation, as of a second SIGINT, ends a read that would never return."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    with anyio.fail_after(5):
        async with FileSource(path) as source:
            with anyio.move_on_after(0.02) as scope:
                await collect(source)
    assert scope.cancelled_caught


async def test_no_descriptor_is_left(tmp_path: Path) -> None:
    """Opening, failing and closing leave the process as it was."""
    path = tmp_path / "x"
    path.write_bytes(event(0))
    before = len(descriptors())
    for _ in range(10):
        assert len(frames(await read(path))) == 1
        with pytest.raises(SourceError):
            await read(tmp_path)
    assert len(descriptors()) == before


def test_stdin_from_a_file(tmp_path: Path) -> None:
    """`< file`: the events are of source "-"."""
    path = tmp_path / "x"
    path.write_bytes(event(0) + event(1))
    with path.open("rb") as file:
        assert (
            read_stdin(file.fileno())
            == f"2 SourceEnded(source='-', offset={path.stat().st_size}, error=None)"
        )


def test_stdin_from_a_pipe() -> None:
    """`producer | wasmhost run --from -`: read to the producer's end."""
    reading, writing = os.pipe()
    os.write(writing, event(0) + event(1)[:5])
    os.close(writing)
    assert read_stdin(reading).startswith("1 SourceEnded(source='-'")
    os.close(reading)


@pytest.mark.parametrize("kind", ["pipe", "terminal"])
def test_silent_stdin_does_not_hold_the_process(kind: str) -> None:
    """A pipe or terminal on which nothing comes can be given up, and the process ends at once."""
    reading, writing = os.pipe() if kind == "pipe" else pty.openpty()
    try:
        assert read_stdin(writing if kind == "terminal" else reading, wait_s=0.05) == "gave up"
    finally:
        os.close(reading)
        os.close(writing)


def test_closed_stdin() -> None:
    """A process started without standard input says so."""
    done = subprocess.run(
        ["bash", "-c", f'exec {sys.executable} -c "$0" 1 <&-', READ_STDIN],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "cannot read events from -: standard input is closed" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("spec", ["udp:127.0.0.1:7", "nats://host", "", "unix:", "C:\x1b[2J"])
def test_specs_that_name_no_source(spec: str) -> None:
    """What we can't read from is told before anything starts, in one printable line."""
    with pytest.raises(SourceError) as raised:
        open_source(spec)
    assert str(raised.value).isprintable()
    assert "unix:" in str(raised.value)


@pytest.mark.parametrize(
    ("spec", "name", "lossless"),
    [
        ("-", "-", True),
        ("a/b.cborseq", "a/b.cborseq", True),
        ("./tcp:1", "tcp:1", True),
        ("unix:/x", "unix:/x", False),
        ("tcp:127.0.0.1:7", "tcp:127.0.0.1:7", False),
        ("TCP:[::1]:7", "tcp:[::1]:7", False),
    ],
)
def test_specs(spec: str, name: str, lossless: bool) -> None:
    """Each kind of source knows its name, and whether it waits."""
    source = open_source(spec)
    assert (source.name, source.lossless) == (name, lossless)
