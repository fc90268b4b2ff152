"""Compiled modules kept on disk, so that a big guest is compiled once and not at every start.

An artifact is native code: whoever can write one into the cache runs as us. So the folder is ours alone, an
artifact carries a digest under a key that only we can read, and one that is torn, forged or of another
engine is never loaded but compiled anew. Processes share the cache: a file appears whole by being renamed,
and of several that want the same module one compiles and the others wait for it.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import hmac
import os
import secrets
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.folders import cache_home

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

_MAGIC: Final = b"wasmhost artifact 1\n"
_DIGEST_BYTES: Final = 32
_HEAD: Final = len(_MAGIC) + _DIGEST_BYTES
_KEY_BYTES: Final = 32
_SUFFIX: Final = ".artifact"
_UNFINISHED: Final = "new-"
_LEFT_BEHIND_S: Final = 24 * 3600  # an unfinished file this old is of a process that was killed
_PATIENCE_S: Final = 60.0  # the largest guests compile in less
_LOOK_S: Final = 0.02
MAX_BYTES: Final = 2 * 1024**3
"""What the cache may take on disk; the artifacts that were not used for longest go first."""


class ArtifactCache:
    """A folder of artifacts. Safe from any thread, and beside other processes.

    Where the disk does not play along (full, read-only, somebody else's), everything is compiled each
    time, and ``trouble`` says why.
    """

    def __init__(self, folder: Path, max_bytes: int = MAX_BYTES) -> None:
        """Nothing is read or written before the first use."""
        self.trouble: str | None = None
        self._folder = folder
        self._max_bytes = max_bytes
        self._key: bytes | None = None

    @contextlib.contextmanager
    def only_one(self, name: str) -> Iterator[None]:
        """Hold off every other process that is about to compile the same module.

        One that was stopped in the middle of it holds nobody off for longer than a minute.
        """
        lock = None
        try:
            # One of 64 files that are never removed: a lock file that goes away locks nobody out.
            stripe = int(hashlib.sha256(name.encode()).hexdigest()[:2], 16) % 64
            lock = self._ready().joinpath(f"lock-{stripe:02d}").open("ab")
            _lock(lock, _PATIENCE_S)
        except OSError as error:
            self._note(error)
        try:
            yield
        finally:
            if lock is not None:
                lock.close()

    def has(self, name: str) -> bool:
        """Whether there is something of this name, to be trusted or not."""
        return (self._folder / f"{name}{_SUFFIX}").exists()

    def load(self, name: str) -> bytes | None:
        """Return the artifact of this name as it was stored; None where there is none to be trusted."""
        try:
            path = self._ready() / f"{name}{_SUFFIX}"
            data = path.read_bytes()
            if not hmac.compare_digest(data[:_HEAD], self._head(name, data[_HEAD:])):
                path.unlink(missing_ok=True)
                return None
            os.utime(path)  # used now: not the first to go
        except FileNotFoundError:
            return None
        except OSError as error:
            self._note(error)
            return None
        return data[_HEAD:]

    def store(self, name: str, artifact: bytes) -> None:
        """Keep an artifact, under a name that says all it depends on."""
        try:
            folder = self._ready()
            with _temporary(folder) as (file, path):
                os.write(file, self._head(name, artifact))
                with os.fdopen(os.dup(file), "wb") as out:
                    out.write(artifact)
                os.fsync(file)
                path.replace(folder / f"{name}{_SUFFIX}")
            self._make_room(folder)
        except OSError as error:
            self._note(error)

    def drop(self, name: str) -> None:
        """Remove an artifact that the engine would not take."""
        with contextlib.suppress(OSError):
            (self._folder / f"{name}{_SUFFIX}").unlink(missing_ok=True)

    def _head(self, name: str, artifact: bytes) -> bytes:
        digest = hashlib.blake2b(name.encode() + b"\0", key=self._secret(), digest_size=_DIGEST_BYTES)
        digest.update(artifact)
        return _MAGIC + digest.digest()

    def _ready(self) -> Path:
        """The folder, made where it is missing.

        :raises OSError: it cannot be made, or others could write into it.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = self._folder.stat()
        if status.st_uid != os.geteuid() or status.st_mode & 0o022:
            raise PermissionError(f"{self._folder} is not ours alone: others could write into it")
        return self._folder

    def _secret(self) -> bytes:
        """The key of the digests: made once, by whoever comes first."""
        if self._key is None:
            path = self._folder / "key"
            if not path.exists():
                with _temporary(self._folder) as (file, made):
                    os.write(file, secrets.token_bytes(_KEY_BYTES))
                    with contextlib.suppress(FileExistsError):
                        os.link(made, path)  # not a rename: the first one's key stays
            key = path.read_bytes()
            if len(key) != _KEY_BYTES:
                path.unlink(missing_ok=True)
                raise OSError(f"{path} was no key; the next start makes another")
            self._key = key
        return self._key

    def _make_room(self, folder: Path) -> None:
        for path, status in _files(folder, f"{_UNFINISHED}*"):
            if status.st_mtime < time.time() - _LEFT_BEHIND_S:
                path.unlink(missing_ok=True)
        kept = [(status.st_mtime, status.st_size, path) for path, status in _files(folder, f"*{_SUFFIX}")]
        total = sum(size for _, size, _ in kept)
        for _, size, path in sorted(kept):
            if total <= self._max_bytes:
                return
            path.unlink(missing_ok=True)
            total -= size

    def _note(self, error: OSError) -> None:
        self.trouble = error.strerror or str(error)


def _files(folder: Path, pattern: str) -> Iterator[tuple[Path, os.stat_result]]:
    for path in folder.glob(pattern):
        with contextlib.suppress(FileNotFoundError):  # another process makes room too
            yield path, path.stat()


def _lock(file: BinaryIO, patience_s: float) -> None:
    """Lock a file, or go on without where somebody holds it for too long: then two compile the same."""
    until = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < until:
                time.sleep(_LOOK_S)
                continue
        return


@contextlib.contextmanager
def _temporary(folder: Path) -> Iterator[tuple[int, Path]]:
    """A file of nobody else's in the folder, which is gone in the end unless it was given another name."""
    file, name = tempfile.mkstemp(prefix=_UNFINISHED, dir=folder)
    path = Path(name)
    try:
        yield file, path
    finally:
        os.close(file)
        path.unlink(missing_ok=True)


def user_cache() -> ArtifactCache | None:
    """The cache of this user's hosts; None where the environment says WASMHOST_CACHE=off.

    WASMHOST_CACHE may name another folder. Without it a user who has no home has no cache.
    """
    named = os.environ.get("WASMHOST_CACHE", "")
    if named == "off":
        return None
    if named:
        return ArtifactCache(Path(named))
    home = cache_home()
    return None if home is None else ArtifactCache(home / "wasmhost" / "artifacts")
