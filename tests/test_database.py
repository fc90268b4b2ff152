"""The database file: opening it, sharing it, losing the process, losing the disk."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from tests.panics.helpers import PANIC, counts, panic
from wasmhost.database import Database
from wasmhost.database_file import APPLICATION_ID, from_signed, reading, to_signed
from wasmhost.database_schema import SCHEMA_VERSION, statements_since
from wasmhost.errors import DatabaseError, InternalError
from wasmhost.host.state import StateStore
from wasmhost.panics.store import PanicLog, read_panics

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent


def run_python(code: str, *args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a new interpreter that can import wasmhost and the tests."""
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, args)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def opening_error(path: Path) -> str:
    """Return what opening ``path`` for writing says is wrong."""
    with pytest.raises(DatabaseError) as raised:
        Database(path)
    return str(raised.value)


def reading_error(path: Path) -> str:
    """Return what reading ``path`` says is wrong."""
    with pytest.raises(DatabaseError) as raised:
        read_panics(path)
    return str(raised.value)


def test_database_is_made_and_closed_without_leftovers(tmp_path: Path) -> None:
    """A clean end leaves one file, with the write-ahead log folded into it."""
    with Database(tmp_path / "x.db") as database:
        PanicLog(database).record(PANIC)
    assert [item.name for item in tmp_path.iterdir()] == ["x.db"]
    assert len(read_panics(tmp_path / "x.db")) == 1
    assert database.failed is None


def test_close_twice_and_use_after_close(tmp_path: Path) -> None:
    """Closing again does nothing, and a late record or flush neither fails nor waits."""
    database = Database(tmp_path / "x.db")
    log = PanicLog(database)
    database.close()
    database.close()
    log.record(PANIC)
    database.flush()
    assert read_panics(tmp_path / "x.db") == []


def test_missing_file_is_not_made_by_reading(tmp_path: Path) -> None:
    """Asking for panics where there is no database says so, and leaves none behind."""
    path = tmp_path / "none.db"
    assert f"no database at {path}" in reading_error(path)
    assert not path.exists()


def test_directory(tmp_path: Path) -> None:
    """A directory is named as one, for reading and for writing."""
    assert "is a directory or a device" in opening_error(tmp_path)
    assert "is a directory or a device" in reading_error(tmp_path)


def test_missing_folder(tmp_path: Path) -> None:
    """A path into nowhere names the folder that is missing."""
    assert f"no folder {tmp_path / 'a'}" in opening_error(tmp_path / "a" / "x.db")


def test_file_that_is_no_database(tmp_path: Path) -> None:
    """Any other file is refused and stays as it is."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but longer than a header\n" * 100)
    before = path.read_bytes()
    assert "not a database" in opening_error(path)
    assert "not a database" in reading_error(path)
    assert path.read_bytes() == before


def test_another_programs_database(tmp_path: Path) -> None:
    """A database with other tables in it is not touched."""
    path = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE bookmarks (url)")
    before = path.read_bytes()
    assert "another program's" in opening_error(path)
    assert "another program's" in reading_error(path)
    assert path.read_bytes() == before


def test_newer_schema(tmp_path: Path) -> None:
    """A file of a later wasmhost is refused with both versions named."""
    path = tmp_path / "x.db"
    Database(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    assert f"newer wasmhost (schema {SCHEMA_VERSION + 1}" in opening_error(path)
    assert "newer wasmhost" in reading_error(path)


@pytest.mark.parametrize("version", range(1, SCHEMA_VERSION))
def test_an_older_schema_is_brought_up_to_date(tmp_path: Path, version: int) -> None:
    """A file of an earlier wasmhost keeps what it has, and gets what it lacks."""
    path = tmp_path / "x.db"
    later = statements_since(version)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements_since(0)[: -len(later)]:
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.execute("INSERT INTO state VALUES ('a', x'01', 0)")
        if version >= 2:
            connection.execute("INSERT INTO secret VALUES ('pseudonyms', x'02')")
    with Database(path) as database:
        assert StateStore(database).load("a") == b"\x01"
        assert version < 2 or database.key == b"\x02"
    fresh = tmp_path / "fresh.db"
    Database(fresh).close()
    assert tables(path) == tables(fresh)


def tables(path: Path) -> list[tuple[str, str]]:
    """Return the tables of a file, and how each was made."""
    with reading(path) as connection:
        return connection.execute("SELECT name, sql FROM sqlite_schema ORDER BY name").fetchall()


def test_damaged_file(tmp_path: Path) -> None:
    """A file that was overwritten in the middle gives one line, not a traceback of SQLite's."""
    path = tmp_path / "x.db"
    with Database(path) as database:
        PanicLog(database).record(PANIC)
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)
    assert "damaged" in reading_error(path)


def test_empty_file_has_no_panics(tmp_path: Path) -> None:
    """A host killed while it made the file leaves an empty one: no panics yet, and it can be used."""
    path = tmp_path / "x.db"
    path.touch()
    assert read_panics(path) == []
    with Database(path) as database:
        PanicLog(database).record(PANIC)
    assert len(read_panics(path)) == 1


def test_locked_by_another_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file somebody holds gives one clear line in bounded time."""
    path = tmp_path / "x.db"
    Database(path).close()
    monkeypatch.setattr("wasmhost.database_file.OPEN_TIMEOUT_S", 0.1)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        assert "locked" in opening_error(path)


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """Make a folder that other users can look into, as pytest's own are not."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        path.chmod(0o755)
        yield path
        path.chmod(0o755)


def as_a_user_without_rights(path: Path) -> list[str]:
    """Return how many rows such a user reads from ``path``, or why none, and what a run there says."""
    code = """
import os, sys
from pathlib import Path
from wasmhost.database import Database
from wasmhost.errors import DatabaseError
from wasmhost.panics.store import read_panics
if os.getuid() == 0:  # root may write anywhere
    os.setuid(65534)
path = Path(sys.argv[1])
for what in (lambda: print(len(read_panics(path))), lambda: Database(path)):
    try:
        what()
    except DatabaseError as error:
        print(error)
"""
    done = run_python(code, path)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_read_only_folder(public_folder: Path) -> None:
    """Where nothing may be written, panics can be read all the same, and a run says why it can't start."""
    path = public_folder / "x.db"
    with Database(path) as database:
        PanicLog(database).record(PANIC)
    path.chmod(0o444)
    public_folder.chmod(0o555)
    rows, error = as_a_user_without_rights(path)
    assert rows == "1"
    assert "may not be written" in error


def test_folder_without_access(public_folder: Path) -> None:
    """A folder one may not look into gives one line, for reading and for writing."""
    path = public_folder / "x.db"
    Database(path).close()
    public_folder.chmod(0o000 if os.getuid() else 0o700)
    reading_says, opening_says = as_a_user_without_rights(path)
    assert "permission denied" in reading_says
    assert "permission denied" in opening_says


def test_two_processes_open_a_new_file_at_once(tmp_path: Path) -> None:
    """Hosts that start together share the file, and every panic of both is counted."""
    code = """
import sys
from pathlib import Path
from tests.panics.helpers import panic
from wasmhost.database import Database
from wasmhost.panics.store import PanicLog
with Database(Path(sys.argv[1])) as database:
    log = PanicLog(database)
    for seq in range(200):
        log.record(panic(seq=seq))
        if seq % 50 == 0:
            database.flush()
print(database.failed)
"""
    path = tmp_path / "x.db"
    hosts = [
        subprocess.Popen([sys.executable, "-c", code, path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    outcomes = [host.communicate(timeout=60)[0].strip() for host in hosts]
    assert outcomes == ["None"] * 4
    (row,) = read_panics(path)
    assert row.count == 800


def test_every_committed_row_survives_sigkill(tmp_path: Path) -> None:
    """A host killed while it records leaves a file that opens, with all it had flushed."""
    code = """
import sys
from pathlib import Path
from tests.panics.helpers import panic
from wasmhost.database import Database
from wasmhost.host.state import StateStore
from wasmhost.panics.store import PanicLog
database = Database(Path(sys.argv[1]))
log, states = PanicLog(database), StateStore(database)
seq = 0
while True:
    for _ in range(50):
        log.record(panic(seq=seq, backtrace=(f"f{seq % 7}",)))
        seq += 1
    states.save("relay-watch", str(seq).encode())
    database.flush()
    print(seq, flush=True)
"""
    path = tmp_path / "x.db"
    host = subprocess.Popen([sys.executable, "-c", code, path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert host.stdout is not None
    flushed = 0
    while flushed < 500:
        flushed = int(host.stdout.readline())
    host.send_signal(signal.SIGKILL)
    rest, _ = host.communicate(timeout=60)
    # The kill may have cut the last line short.
    flushed = int(rest.split("\n")[-2]) if rest.count("\n") else flushed

    assert counts(read_panics(path))["relay-watch"] >= flushed
    with Database(path) as database:
        assert int(StateStore(database).load("relay-watch") or b"0") >= flushed
        PanicLog(database).record(panic(observer="next"))
    assert counts(read_panics(path))["next"] == 1


def test_a_full_disk_costs_nothing_but_time(tmp_path: Path) -> None:
    """Writes that fail are told once, kept, and written when there is room again."""
    code = """
import resource, sys
from pathlib import Path
from structlog.testing import capture_logs
from tests.panics.helpers import panic
from wasmhost.database import Database
from wasmhost.host.state import StateStore
from wasmhost.panics.store import PanicLog
path = Path(sys.argv[1])
with Database(path) as database, capture_logs() as logs:
    log, states = PanicLog(database), StateStore(database)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
    for seq in range(3):
        log.record(panic(seq=seq, event=bytes(60_000)))
        states.save("a", bytes(60_000))
        database.flush()
    print(database.failed)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    log.record(panic(seq=3))
    database.flush()
    print(database.failed)
    print([entry["event"] for entry in logs])
"""
    path = tmp_path / "x.db"
    done = run_python(code, path)
    assert done.returncode == 0, done.stderr
    failed, recovered, logs = done.stdout.splitlines()
    assert str(path) in failed
    assert recovered == "None"
    assert logs == "['database not written; will retry', 'database written again']"
    (row,) = read_panics(path)
    assert (row.count, row.seq) == (4, 3)


def test_a_disk_that_stays_full_is_told_at_the_end(tmp_path: Path) -> None:
    """After close, ``failed`` says that something was never written, so that the run can exit 2."""
    database = Database(tmp_path / "x.db")
    log = PanicLog(database)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, before[1]))
    try:
        with capture_logs():
            log.record(panic(event=bytes(60_000)))
            database.close()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert database.failed is not None


def test_a_bug_in_a_ledger_stops_the_log_not_the_host(tmp_path: Path) -> None:
    """The writer's death is logged and told by close; recording goes on without an error."""

    class Broken:
        def write(self, connection: sqlite3.Connection) -> None:
            raise ZeroDivisionError(connection)

    database = Database(tmp_path / "x.db")
    log = PanicLog(database)
    database.attach(Broken())
    with capture_logs() as logs:
        log.record(PANIC)
        database.flush()
        database.flush()
        log.record(PANIC)
        with pytest.raises(InternalError, match="ZeroDivisionError"):
            database.close()
    assert "bug" in (database.failed or "")
    assert logs[0]["log_level"] == "error"


def test_readers_see_a_running_hosts_panics_within_moments(tmp_path: Path) -> None:
    """Without a flush, what was recorded is on disk soon, while the host runs on."""
    path = tmp_path / "x.db"
    with Database(path) as database:
        PanicLog(database).record(PANIC)
        give_up_at = time.monotonic() + 5
        while not read_panics(path):
            assert time.monotonic() < give_up_at
            time.sleep(0.01)


def test_no_thread_or_descriptor_is_left(tmp_path: Path) -> None:
    """Opening and closing many times leaves the process as it was."""
    Database(tmp_path / "x.db").close()
    threads, descriptors = threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        Database(tmp_path / "x.db").close()
    assert threading.active_count() == threads
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors


@pytest.mark.parametrize("number", [0, 1, 2**63 - 1, 2**63, 2**64 - 1])
def test_unsigned_numbers_survive(number: int) -> None:
    """SQLite's integers are signed; ours at the 64-bit limit come back as they were."""
    assert -(2**63) <= to_signed(number) < 2**63
    assert from_signed(to_signed(number)) == number


def test_an_error_while_reading_is_one_line(tmp_path: Path) -> None:
    """Whatever SQLite raises inside the block becomes a DatabaseError that names the file."""
    path = tmp_path / "x.db"
    Database(path).close()
    with pytest.raises(DatabaseError, match=r"x\.db.*no such table"), reading(path) as connection:
        connection.execute("SELECT * FROM missing")
