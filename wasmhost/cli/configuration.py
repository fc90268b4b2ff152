"""What ``wasmhost check-config`` finds out: whether a run would take each observer, and find each place."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from wasmhost.cli.description import describe, hooks_in_order
from wasmhost.config import load_config
from wasmhost.database_file import reading
from wasmhost.errors import DatabaseError, GuestRefused
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from wasmhost.config import HostConfig, ObserverConfig

_PATH_LIMIT = 400


@dataclass(frozen=True, slots=True)
class CheckedObserver:
    """One observer; ``hooks`` are those that it would hear, ``reason`` is None where it would run."""

    name: str
    module: Path
    module_sha256: str | None
    hooks: tuple[str, ...]
    grant: tuple[str, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """A configuration that could be read; ``problems`` are not about observers, a line each."""

    observers: tuple[CheckedObserver, ...]
    problems: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether a run would take all of it."""
        return not self.problems and all(observer.reason is None for observer in self.observers)


def check(file: Path) -> Checked:
    """Read a configuration, and look at all that it names.

    :raises ConfigError: it cannot be read, or says something that cannot be meant.
    """
    settings = load_config(file)
    return Checked(tuple(map(_observer, settings.observers)), tuple(_problems(settings)))


def _observer(observer: ObserverConfig) -> CheckedObserver:
    grant = tuple(sorted(observer.grant))
    try:
        found = describe(observer)
    except GuestRefused as refused:
        return CheckedObserver(observer.name, observer.module, None, (), grant, str(refused))
    hooks = hooks_in_order(found.surface) if found.surface is not None else []
    heard = tuple(hook for hook in hooks if observer.hooks is None or hook in observer.hooks)
    return CheckedObserver(observer.name, observer.module, found.sha256, heard, grant, found.reason)


def _problems(settings: HostConfig) -> list[str]:
    problems: list[str] = []
    if not settings.observers:
        problems.append("there is no [[observer]]: a run needs one, here or by --observer")
    if settings.db is not None:
        problems += _database(settings.db)
    if settings.reports != "-":
        problems += _writable(Path(settings.reports), "reports")
    return problems


def _database(path: Path) -> list[str]:
    if not path.exists():
        return _writable(path, "db")
    try:
        with reading(path):
            pass
    except DatabaseError as error:
        return [f"db: {error}"]
    return _writable(path, "db")


def _writable(path: Path, key: str) -> list[str]:
    """Whether a file can be made or written to, as far as can be seen without doing it."""
    name = escape_untrusted(str(path), _PATH_LIMIT)
    if path.is_dir():
        return [f"{key}: {name} is a directory"]
    place = path if path.exists() else path.absolute().parent
    if not place.exists():
        return [f"{key}: there is no directory {escape_untrusted(str(place), _PATH_LIMIT)} for {name}"]
    if not os.access(place, os.W_OK):
        return [f"{key}: {name} cannot be written to"]
    return []
