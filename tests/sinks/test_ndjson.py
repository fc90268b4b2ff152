"""Reports as lines, on disks and pipes that may fail."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import cbor2
import pytest
from structlog.testing import capture_logs

from wasmhost.errors import SinkError
from wasmhost.sinks import NdjsonSink, ReportRecord, open_sink

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent


def record(
    seq: int = 0, body: object = None, topic: str = "relay-share", *, raw: bytes | None = None
) -> ReportRecord:
    """Return a report whose body is ``body`` in CBOR, or ``raw``."""
    return ReportRecord(
        "relay-watch", "node-1", seq, 10 + seq, topic, cbor2.dumps(body) if raw is None else raw
    )


def lines(path: Path) -> list[dict[str, object]]:
    """Return the parsed lines of a file of reports, which must all be whole."""
    text = path.read_text(encoding="ascii")
    assert text.endswith("\n") or not text
    return [json.loads(line) for line in text.splitlines()]


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let no file grow beyond ``size`` bytes, as on a disk that fills up."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_line(tmp_path: Path) -> None:
    """The contract's keys, in its order, with the body twice: exact, and to read."""
    path = tmp_path / "reports"
    async with open_sink(str(path)) as sink:
        await sink.write([record(7, raw=bytes.fromhex("a2657368617265f93400637261774101"))])
    assert path.read_text() == (
        '{"observer":"relay-watch","src":"node-1","seq":7,"at":17,"topic":"relay-share",'
        '"body_hex":"a2657368617265f93400637261774101",'
        '"body":{"share":0.25,"raw":"01"}}\n'
    )
    assert (sink.written, sink.invalid, sink.dropped, sink.failed) == (1, 0, 0, None)


async def test_no_untrusted_character_reaches_the_reader(tmp_path: Path) -> None:
    """Control and bidirectional characters are JSON escapes, and come back exactly."""
    path = tmp_path / "reports"
    nasty = "\x1b[2J\x7f\x9b\u202e\u2028\n☃\U0001f600"
    async with NdjsonSink(path) as sink:
        await sink.write([record(body={nasty: [nasty]}, topic=nasty)])
    written = path.read_bytes()
    assert set(written[:-1]) <= set(range(0x20, 0x7F))
    (line,) = lines(path)
    assert line["topic"] == nasty
    assert line["body"] == {nasty: [nasty]}


async def test_invalid_bodies_are_counted_and_said_once(tmp_path: Path) -> None:
    """A body that is no CBOR costs itself only."""
    path = tmp_path / "reports"
    with capture_logs() as logs:
        async with NdjsonSink(path) as sink:
            await sink.write([record(0), record(1, raw=b"\xff"), record(2, raw=b""), record(3)])
            await sink.write([record(4, raw=b"\x01\x02")])
    assert [line["seq"] for line in lines(path)] == [0, 3]
    assert (sink.written, sink.invalid, sink.dropped) == (2, 3, 0)
    assert [entry["event"] for entry in logs] == ["report dropped"]


async def test_earlier_reports_are_kept(tmp_path: Path) -> None:
    """A run appends; where an earlier one was killed in the middle of a line, it begins a new one."""
    path = tmp_path / "reports"
    path.write_text('{"whole":1}\n{"half"')
    for _ in range(2):
        async with NdjsonSink(path) as sink:
            await sink.write([record(1), record(2)])
        assert sink.written == 2
    written = path.read_text().splitlines()
    assert written[:2] == ['{"whole":1}', '{"half"']
    assert [json.loads(line)["seq"] for line in written[2:]] == [1, 2, 1, 2]


@pytest.mark.parametrize(
    ("name", "reason"),
    [("", "is a directory"), ("missing/reports", "no such file or directory"), ("fifo", "no such device")],
)
async def test_places_that_cannot_be_written(tmp_path: Path, name: str, reason: str) -> None:
    """One line with the path and the reason, before any event."""
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(SinkError, match=rf"cannot write reports to {tmp_path / name}: {reason}"):
        async with NdjsonSink(tmp_path / name):
            pass


async def test_a_full_disk_never_leaves_half_a_line(tmp_path: Path) -> None:
    """What did not fit is counted and said once; with room again the next batch is whole."""
    path = tmp_path / "reports"
    with capture_logs() as logs:
        async with NdjsonSink(path) as sink:
            await sink.write([record(0)])
            size = path.stat().st_size
            with largest_file(3 * size + size // 2):
                await sink.write([record(seq) for seq in range(1, 6)])
                await sink.write([record(6)])
            assert [line["seq"] for line in lines(path)] == [0, 1, 2]
            await sink.write([record(7)])
    assert [line["seq"] for line in lines(path)] == [0, 1, 2, 7]
    assert (sink.written, sink.dropped) == (4, 4)
    assert sink.failed == f"cannot write reports to {path}: file too large"
    assert [entry["event"] for entry in logs] == ["reports not written"]


async def test_a_device_that_is_always_full() -> None:
    """The kernel's own full disk."""
    with capture_logs():
        async with NdjsonSink(Path("/dev/full")) as sink:
            await sink.write([record(0), record(1)])
    assert (sink.written, sink.dropped) == (0, 2)
    assert sink.failed == "cannot write reports to /dev/full: no space left on device"


async def test_a_slow_reader_holds_back_only_the_writer(tmp_path: Path) -> None:
    """Writing waits for a full pipe, the event loop does not, and nothing is lost."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, 4096)
    received = b""
    turns = 0
    async with NdjsonSink(path) as sink, anyio.create_task_group() as tasks:
        tasks.start_soon(sink.write, [record(seq, "x" * 1_000) for seq in range(50)])
        tasks.start_soon(sink.write, [record(seq) for seq in range(50, 60)])
        while received.count(b"\n") < 60:
            await anyio.wait_readable(reading)
            turns += 1
            received += os.read(reading, 1_500)
    os.close(reading)
    assert turns > 40
    assert [json.loads(line)["seq"] for line in received.splitlines()] == list(range(60))
    assert (sink.written, sink.dropped) == (60, 0)


async def test_a_cancelled_write_does_not_spoil_the_next_line(tmp_path: Path) -> None:
    """When a stuck write is given up, the next report begins on a line of its own."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    fcntl.fcntl(reading, fcntl.F_SETPIPE_SZ, 4096)
    async with NdjsonSink(path) as sink:
        with anyio.move_on_after(0.02) as scope:
            await sink.write([record(0), record(1, "x" * 9_000)])
        assert scope.cancelled_caught
        first = os.read(reading, 10_000)
        await sink.write([record(2)])
        second = os.read(reading, 10_000)
    os.close(reading)
    assert json.loads(first.splitlines()[0])["seq"] == 0
    assert second.startswith(b"\n")
    assert json.loads(second)["seq"] == 2
    assert (sink.written, sink.dropped) == (2, 1)


async def test_a_reader_that_leaves(tmp_path: Path) -> None:
    """A broken pipe is said once, the run goes on, and what follows is counted as dropped."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with capture_logs() as logs:
        async with NdjsonSink(path) as sink:
            await sink.write([record(0)])
            os.close(reading)
            for seq in range(1, 4):
                await sink.write([record(seq)])
    assert (sink.written, sink.dropped) == (1, 3)
    assert sink.failed == f"cannot write reports to {path}: broken pipe"
    assert len(logs) == 1


WRITE_STDOUT = """
import anyio, cbor2, structlog, sys
from wasmhost.sinks import ReportRecord, open_sink

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

async def main():
    async with open_sink("-") as sink:
        for seq in range(100):
            await sink.write([ReportRecord("a", "s", seq, 0, "t", cbor2.dumps("x" * 500))])
    print(sink.written, sink.failed, file=sys.stderr)

anyio.run(main)
"""


def write_stdout(stdout: int) -> str:
    """Return what a process that writes 100 reports to ``stdout`` says at its end."""
    done = subprocess.run(
        [sys.executable, "-c", WRITE_STDOUT],
        cwd=ROOT,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_standard_output_to_a_file_and_a_device(tmp_path: Path) -> None:
    """`> file` and `> /dev/null` each take all reports."""
    with (tmp_path / "out").open("wb") as file:
        assert write_stdout(file.fileno()) == "100 None"
    assert len(lines(tmp_path / "out")) == 100
    with Path("/dev/null").open("wb") as null:
        assert write_stdout(null.fileno()) == "100 None"


def test_standard_output_to_a_terminal() -> None:
    """A terminal takes all reports as fast as it is read."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", WRITE_STDOUT], cwd=ROOT, stdout=theirs, stderr=subprocess.PIPE, text=True
    )
    os.close(theirs)
    received = b""
    while received.count(b"\n") < 100:
        received += os.read(ours, 65_536)
    _, errors = process.communicate(timeout=60)
    os.close(ours)
    assert errors.strip() == "100 None"


def test_standard_output_to_head() -> None:
    """`| head -1`: the run ends properly when its reader has enough."""
    reading, writing = os.pipe()
    os.close(reading)
    assert write_stdout(writing) == "0 cannot write reports to standard output: broken pipe"
    os.close(writing)


def test_closed_standard_output() -> None:
    """A process started without standard output says so in one line."""
    done = subprocess.run(
        ["bash", "-c", f'exec {sys.executable} -c "$0" >&-', WRITE_STDOUT],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        check=False,
    )
    assert "cannot write reports to standard output: it is closed" in done.stderr
