"""The host's SQLite file: its schema, how it is opened, and what can be wrong with it in words.

Write-ahead log with ``synchronous=NORMAL``: a committed row survives the death of the process (not
of the machine, where the last commits may be missing but the file stays sound), and readers and
the writers of other processes don't block each other for longer than one commit.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING

from wasmhost.database_schema import SCHEMA_VERSION, statements_since
from wasmhost.errors import DatabaseError
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY_BYTES = 32
OPEN_TIMEOUT_S = 2.0
BUSY_TIMEOUT_S = 5.0

APPLICATION_ID = 0x77686F73  # "whos", so that no other program's file is taken for ours

_KEY = "pseudonyms"
_SECRETS_SINCE = 2  # this version of the schema
_PRIVATE = 0o600
_OTHERS = 0o077


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run the block in one write transaction; any exception rolls it back."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk makes SQLite roll back by itself; a second ROLLBACK would be an error.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the database at ``path`` to read from it, also while a host writes to it.

    The file's own process may have been killed: its write-ahead log is taken into account. Raises
    DatabaseError for a file that is missing, not ours, damaged or made by a newer wasmhost, and for
    whatever SQLite raises within the block.
    """
    try:
        path.stat()
    except FileNotFoundError:
        raise DatabaseError(f"no database at {shown(path)}; `wasmhost run --db FILE` makes one") from None
    except OSError as error:
        raise DatabaseError(f"cannot read {shown(path)}: {(error.strerror or 'error').lower()}") from error
    try:
        with closing(open_for_reading(path)) as connection:
            yield connection
    except sqlite3.Error as error:
        raise DatabaseError(explain(path, error)) from error


def to_signed(number: int) -> int:
    """Map an unsigned 64-bit number to the signed one of the same bits, for SQLite's INTEGER."""
    return number - (1 << 64) if number >= 1 << 63 else number


def from_signed(number: int) -> int:
    """Undo :func:`to_signed`."""
    return number & 0xFFFF_FFFF_FFFF_FFFF


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Open the database at ``path`` to write to it, made if missing; the connection may change threads.

    Raises DatabaseError for a file, or a place, that can't be used so.
    """
    connection: sqlite3.Connection | None = None
    try:
        _make_private(path)
        connection = _connect(path, "mode=rwc", timeout=OPEN_TIMEOUT_S)
        _check_identity(path, connection)
        _enter_wal_mode(connection)
        with transaction(connection):
            # Looked at again under the lock: another process may have been faster.
            _bring_up_to_date(path, connection, _check_identity(path, connection))
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA busy_timeout = {int(BUSY_TIMEOUT_S * 1000)}")
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, sqlite3.Error):
            raise DatabaseError(explain(path, error)) from error
        raise
    return connection


def _make_private(path: Path) -> None:
    """Make the file where there is none, for its owner only; SQLite would ask the umask."""
    with suppress(OSError):  # SQLite meets the same trouble, and has better words for it
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, _PRIVATE))


def read_key(path: Path) -> bytes:
    """Return the key of this host's pseudonyms, which was made with the database. It is shown to nobody."""
    with reading(path) as connection:
        (key,) = connection.execute("SELECT value FROM secret WHERE name = ?", (_KEY,)).fetchone()
    return bytes(key)


def _bring_up_to_date(path: Path, connection: sqlite3.Connection, version: int) -> None:
    if version >= SCHEMA_VERSION:
        return
    for statement in statements_since(version):
        connection.execute(statement)
    if version < _SECRETS_SINCE:
        _keep_others_out(path)  # before there is anything to keep from them
        connection.execute("INSERT INTO secret VALUES (?, ?)", (_KEY, secrets.token_bytes(KEY_BYTES)))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _keep_others_out(path: Path) -> None:
    """Let only its owner read the file, and what SQLite keeps beside it. Done once: see `docs/grants.md`."""
    for file in (path, *(path.with_name(path.name + end) for end in ("-wal", "-shm"))):
        try:
            if file.stat().st_mode & _OTHERS:
                file.chmod(_PRIVATE)
        except FileNotFoundError:
            pass
        except PermissionError:
            raise DatabaseError(
                f"cannot use {shown(path)} as the database: others may read it, and that is not ours to "
                "change; chmod it 600 or name another file with --db"
            ) from None


def _enter_wal_mode(connection: sqlite3.Connection) -> None:
    # SQLite answers "locked" here at once, without its busy handler, while another process does
    # the same: two hosts started together on a new file.
    give_up_at = time.monotonic() + OPEN_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if _primary_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > give_up_at:
                raise
            time.sleep(0.01)
        else:
            return


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the database at ``path`` to read from it for as long as one likes; `reading` is for once.

    Raises sqlite3.Error, or DatabaseError for a file that is not ours.
    """
    # Opened read-write though nothing is written: then the last one out removes the write-ahead
    # log, and a killed host's log can be recovered.
    connection = _connect(path, "mode=rw", timeout=BUSY_TIMEOUT_S)
    try:
        connection.execute("PRAGMA query_only = ON")
        _check_identity(path, connection)
    except sqlite3.OperationalError as error:
        connection.close()
        if _primary_code(error) != sqlite3.SQLITE_READONLY or _has_pending_log(path):
            raise
        # Neither the file nor its folder may be written, and nobody left a log behind.
        connection = _connect(path, "mode=ro&immutable=1", timeout=BUSY_TIMEOUT_S)
        _check_identity(path, connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _has_pending_log(path: Path) -> bool:
    log = path.with_name(path.name + "-wal")
    return log.exists() and log.stat().st_size > 0


def _connect(path: Path, query: str, *, timeout: float) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{query}",
        uri=True,
        timeout=timeout,
        isolation_level=None,
        check_same_thread=False,  # opened by the caller, to raise there; used by one thread only
    )


def _check_identity(path: Path, connection: sqlite3.Connection) -> int:
    """Return the schema version, 0 for an empty file; raise DatabaseError for a file not ours."""
    # One statement sees one snapshot, even while another process creates the schema.
    application, version, tables = connection.execute(
        "SELECT (SELECT application_id FROM pragma_application_id),"
        " (SELECT user_version FROM pragma_user_version), count(*) FROM sqlite_schema"
    ).fetchone()
    if not tables:
        return 0
    if application != APPLICATION_ID:
        raise DatabaseError(f"{shown(path)} is another program's database; name another file with --db")
    if version > SCHEMA_VERSION:
        raise DatabaseError(
            f"{shown(path)} was written by a newer wasmhost (schema {version}, this one knows "
            f"{SCHEMA_VERSION}); upgrade wasmhost or name another file with --db"
        )
    return int(version)


_ADVICE = {
    sqlite3.SQLITE_NOTADB: "it is not a database; name another file with --db",
    sqlite3.SQLITE_CORRUPT: "it is damaged; move it away, a new one will be made",
    sqlite3.SQLITE_BUSY: "another process holds it locked; let that end or name another file with --db",
    sqlite3.SQLITE_READONLY: "it or its folder may not be written; change that or name another with --db",
    sqlite3.SQLITE_FULL: "the disk is full; make room",
    sqlite3.SQLITE_PERM: "permission denied",
}


def explain(path: Path, error: sqlite3.Error) -> str:
    """Say in one line what SQLite could not do with the file at ``path``, and what to do about it."""
    code = _primary_code(error)
    advice = _advice_on_opening(path) if code == sqlite3.SQLITE_CANTOPEN else _ADVICE.get(code)
    return f"cannot use {shown(path)} as the database: {advice or escape_untrusted(str(error), 200)}"


def _advice_on_opening(path: Path) -> str:
    folder = path.absolute().parent
    try:
        if path.exists() and not path.is_file():
            return "it is a directory or a device; name a file with --db"
        if not folder.is_dir():
            return f"there is no folder {shown(folder)}; make it or name another file with --db"
    except PermissionError:
        return "permission denied; change the permissions or name another file with --db"
    if not os.access(path if path.exists() else folder, os.W_OK):
        return "permission denied; change the permissions or name another file with --db"
    return "it cannot be opened; name another file with --db"


def _primary_code(error: sqlite3.Error) -> int:
    # The low byte; errors that the binding itself raises carry no code.
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def shown(path: Path) -> str:
    """Return ``path`` as it may stand in a message."""
    return escape_untrusted(str(path), 400)
