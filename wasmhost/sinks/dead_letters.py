"""The file for what could not be delivered: NDJSON.

Each line is an object ``{sink, reason, failed_at, tries, record}``.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, NamedTuple

from wasmhost.database_file import shown
from wasmhost.errors import SinkError
from wasmhost.sinks.entry import parse_json
from wasmhost.text import safe_json, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from wasmhost.sinks.entry import Message

_REASON_LIMIT: Final = 400
_PRIVATE: Final = 0o600


class Failure(NamedTuple):
    """Why and when (Unix ns) a sink gave records up, after how many tries."""

    sink: str
    reason: str
    failed_at: int
    tries: int


def append(path: Path, messages: Iterable[Message], failure: Failure) -> None:
    """Add messages to the file, which is made where there is none. When this returns, they are on the disk.

    Raises OSError, and then has left nothing behind.
    """
    head = safe_json(failure._replace(reason=shorten(failure.reason, _REASON_LIMIT))._asdict(), compact=True)
    lines = b"".join(head[:-1].encode() + b',"record":' + message.data + b"}\n" for message in messages)
    new = not path.exists()
    with _opened(path) as descriptor:
        size = os.fstat(descriptor).st_size
        try:
            if size and os.pread(descriptor, 1, size - 1) != b"\n":  # a host was killed in the middle
                lines = b"\n" + lines
            _write_all(descriptor, lines)
            os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise
    if new:
        _sync_folder(path)


def claim(path: Path) -> Path | None:
    """Put the file aside to be sent again, so that new letters begin a new one; None if there is none.

    One that was put aside before, by somebody who then was killed, comes first.
    """
    aside = path.with_name(path.name + ".resending")
    if not aside.exists():
        try:
            path.rename(aside)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SinkError(f"cannot rename {shown(path)}: {(error.strerror or 'error').lower()}") from error
    return aside


def read(path: Path) -> Iterator[tuple[int, object]]:
    """Read the file: of each line its number and its object. Waits for a host that is just writing one.

    Raises SinkError, with one line to show, for what cannot be read, or is no object of ours.
    """
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH)
            for number, line in enumerate(file, start=1):
                if line.strip():
                    yield number, _letter(path, number, line)
    except OSError as error:
        raise SinkError(f"cannot read {shown(path)}: {(error.strerror or 'error').lower()}") from error


def _letter(path: Path, number: int, line: bytes) -> object:
    try:
        found = parse_json(line)
    except ValueError:
        found = None
    if not isinstance(found, dict) or "record" not in found:
        raise SinkError(f"{shown(path)}:{number}: not a dead letter; mend or remove the line")
    return found


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """Open and lock the file that has this name, also if it was put aside just now."""
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    while True:
        descriptor = os.open(path, flags, _PRIVATE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if _is_still(path, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _sync_folder(path: Path) -> None:
    """Make sure that the file's name is on the disk, too, where the file system can."""
    with suppress(OSError):
        folder = os.open(path.absolute().parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
