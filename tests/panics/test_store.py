"""The panic log, from a panic recorded to the rows an operator reads."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.panics.helpers import PANIC, counts, panic
from tests.panics.test_tally import PANICS
from wasmhost.database import Database
from wasmhost.panics.record import Panic, PanicKind, signature
from wasmhost.panics.store import PanicLog, read_panic, read_panics
from wasmhost.panics.tally import KEEP, MAX_SIGNATURES


def table_sizes(path: Path) -> tuple[int, int]:
    """Return how many rows of signatures and of full records the database holds."""
    with closing(sqlite3.connect(path)) as connection:
        (signatures,) = connection.execute("SELECT count(*) FROM panic_signature").fetchone()
        (records,) = connection.execute("SELECT count(*) FROM panic").fetchone()
    return signatures, records


def test_a_row_has_the_keys_of_the_command_line(tmp_path: Path) -> None:
    """What is read back is what was recorded, under the contract's keys."""
    with Database(tmp_path / "x.db") as database:
        log = PanicLog(database)
        log.record(PANIC)
        log.record(panic(seq=8, at=5, message="later", happened_at=PANIC.happened_at + 1))
        (row,) = log.rows()
    assert asdict(row) == {
        "id": 2,
        "observer": "relay-watch",
        "module_sha256": "ab" * 32,
        "hook": "on_webrtc_connected",
        "seq": 8,
        "at": 5,
        "kind": "unreachable",
        "message": "later",
        "backtrace": ("relay_watch::ratio", "on-webrtc-connected"),
        "fuel_budget": 10_000_000,
        "count": 2,
        "first_at": PANIC.happened_at,
        "last_at": PANIC.happened_at + 1,
        "signature": signature(PANIC),
    }


def test_a_full_record_can_be_read_back(tmp_path: Path) -> None:
    """Everything a replay needs is there, numbers at their 64-bit limits included."""
    path = tmp_path / "x.db"
    extreme = panic(seq=2**64 - 1, at=2**64 - 1, fuel_budget=2**63, src="nœud-☃", event=bytes(range(256)))
    with Database(path) as database:
        PanicLog(database).record(extreme)
    (row,) = read_panics(path)
    assert (row.seq, row.at, row.fuel_budget) == (2**64 - 1, 2**64 - 1, 2**63)
    assert read_panic(path, row.id) == extreme
    assert read_panic(path, row.id + 1) is None


def test_100_000_equal_panics_cost_few_rows(tmp_path: Path) -> None:
    """A guest that traps on every event costs a count and the newest few records."""
    path = tmp_path / "x.db"
    with Database(path) as database:
        log = PanicLog(database)
        for seq in range(100_000):
            log.record(panic(seq=seq))
    assert table_sizes(path) == (1, KEEP)
    (row,) = read_panics(path)
    assert (row.count, row.seq) == (100_000, 99_999)
    assert path.stat().st_size < 100_000


def test_counts_go_on_over_runs(tmp_path: Path) -> None:
    """Another run adds to what is there; ids are never used again."""
    path = tmp_path / "x.db"
    for run in range(3):
        with Database(path) as database:
            log = PanicLog(database)
            for number in range(4):
                log.record(panic(seq=10 * run + number, happened_at=100 + run))
    (row,) = read_panics(path)
    assert (row.id, row.count, row.seq, row.first_at, row.last_at) == (12, 12, 23, 100, 102)
    assert table_sizes(path) == (1, KEEP)


def test_signatures_are_capped_on_disk_too(tmp_path: Path) -> None:
    """Runs that each bring new signatures share the cap, and no count is lost."""
    path = tmp_path / "x.db"
    for run in range(3):
        with Database(path) as database:
            log = PanicLog(database)
            for number in range(150):
                log.record(panic(backtrace=(f"run {run} f{number}",)))
            log.record(panic(observer="neighbour", hook=f"on_{run}"))
    rows = read_panics(path)
    assert sum(row.observer == "relay-watch" for row in rows) == MAX_SIGNATURES + 1
    assert counts(rows) == {"relay-watch": 450, "neighbour": 3}
    (folded,) = [row for row in rows if row.signature.startswith("other-")]
    assert folded.count == 450 - MAX_SIGNATURES


def test_untrusted_text_is_made_fit(tmp_path: Path) -> None:
    """Text that was not bounded and escaped on the way is so in the log, and src keeps its spelling."""
    path = tmp_path / "x.db"
    with Database(path) as database:
        PanicLog(database).record(
            panic(message="\x1b[2J" + "a" * 100_000, backtrace=("\u202eevil",) * 1_000, src="a\nb\udcff")
        )
    (row,) = read_panics(path)
    assert row.message.isprintable()
    assert len(row.message) < 5_000
    assert row.backtrace[0] == "\\u202eevil"
    assert len(row.backtrace) < 100
    stored = read_panic(path, row.id)
    assert stored is not None
    assert stored.src == "a\nb\\udcff"


def test_many_threads_record_at_once(tmp_path: Path) -> None:
    """Worker threads share one log and every panic is counted."""
    path = tmp_path / "x.db"
    with Database(path) as database:
        log = PanicLog(database)

        def record(number: int) -> None:
            for seq in range(500):
                log.record(panic(observer=f"o{number % 3}", seq=seq))

        threads = [threading.Thread(target=record, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert counts(read_panics(path)) == {"o0": 1_000, "o1": 1_000, "o2": 1_000}


def test_recording_does_not_wait_for_a_locked_file(tmp_path: Path) -> None:
    """While another process holds the file, recording goes on; afterwards all of it is written."""
    path = tmp_path / "x.db"
    with Database(path) as database:
        log = PanicLog(database)
        with closing(sqlite3.connect(path, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")
            for seq in range(1_000):
                log.record(panic(seq=seq))
            holder.execute("ROLLBACK")
        (row,) = log.rows()
    assert row.count == 1_000


def test_without_a_database_rows_are_kept_in_memory() -> None:
    """The same rows, with nothing on disk."""
    log = PanicLog()
    log.record(panic(observer="a", happened_at=1))
    log.record(panic(observer="b", happened_at=2))
    log.record(panic(observer="b", happened_at=3, seq=99))
    assert [(row.id, row.observer, row.count, row.seq) for row in log.rows()] == [
        (2, "b", 2, 99),
        (1, "a", 1, 7),
    ]


@pytest.mark.parametrize("kind", list(PanicKind))
def test_every_kind_can_be_stored(tmp_path: Path, kind: PanicKind) -> None:
    """The kind comes back as the same member."""
    with Database(tmp_path / "x.db") as database:
        log = PanicLog(database)
        log.record(panic(kind=kind))
        assert log.rows()[0].kind is kind


@settings(max_examples=25, deadline=None)
@given(batches=st.lists(st.lists(PANICS, max_size=20), max_size=5))
def test_on_disk_as_in_memory(batches: list[list[Panic]]) -> None:
    """However panics are cut into writes, the rows are those of one count in memory."""
    memory = PanicLog()
    with tempfile.TemporaryDirectory() as folder, Database(Path(folder) / "x.db") as database:
        log = PanicLog(database)
        for batch in batches:
            for item in batch:
                log.record(item)
                memory.record(item)
            database.flush()
        on_disk = {row.signature: (row.count, row.first_at, row.last_at, row.seq) for row in log.rows()}
    assert on_disk == {
        row.signature: (row.count, row.first_at, row.last_at, row.seq) for row in memory.rows()
    }
