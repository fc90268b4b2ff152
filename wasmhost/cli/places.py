"""The places that a configuration names, as a run would find them: what cannot be read, or written to."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.config.sink import NdjsonSinkConfig
from wasmhost.database_file import reading
from wasmhost.errors import DatabaseError, SourceError
from wasmhost.sources.tls import server_context
from wasmhost.sources.tokens import read_tokens
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmhost.config import HostConfig
    from wasmhost.config.jetstream import JetStreamConfig
    from wasmhost.config.sink import AnySink
    from wasmhost.config.source import SourceConfig

_PATH_LIMIT: Final = 400
_WRITTEN: Final = {"path", "dead_letter"}


def problems_of(settings: HostConfig) -> tuple[str, ...]:
    """Say what is wrong with it beside its observers, a line each. Nothing is written."""
    return tuple(_problems(settings))


def _problems(settings: HostConfig) -> Iterator[str]:
    if not settings.observers:
        yield "there is no [[observer]]: a run needs one, here or by --observer"
    if settings.db is not None:
        yield from _database(settings.db)
    if settings.reports != "-":
        yield from _writable(Path(settings.reports), "reports")
    yield from _source(settings.source)
    for sink in settings.sinks:
        yield from _files(sink, f'[[sink]] "{sink.name}"')
        if isinstance(sink, NdjsonSinkConfig) and sink.path is not None:
            yield from _writable(sink.path, f'path of [[sink]] "{sink.name}"')
    yield from _files(settings.jetstream, "[jetstream]")


def _source(settings: SourceConfig) -> Iterator[str]:
    try:
        read_tokens(settings)
        if settings.tls is not None:
            server_context(settings.tls)
    except SourceError as error:
        yield str(error)


def _files(settings: AnySink | JetStreamConfig, title: str) -> Iterator[str]:
    """Look at the files that a section names: all are to be read, but for those that are written."""
    for item in fields(settings):
        path = getattr(settings, item.name)
        if isinstance(path, Path) and item.name not in _WRITTEN and not os.access(path, os.R_OK):
            yield f"{item.name} of {title}: {_shown(path)} cannot be read"
        elif isinstance(path, Path) and item.name == "dead_letter":
            yield from _writable(path, f"{item.name} of {title}")


def _database(path: Path) -> Iterator[str]:
    if path.exists():
        try:
            with reading(path):
                pass
        except DatabaseError as error:
            yield f"db: {error}"
            return
    yield from _writable(path, "db")


def _writable(path: Path, key: str) -> Iterator[str]:
    """Whether a file can be made or written to, as far as can be seen without doing it."""
    place = path if path.exists() else path.absolute().parent
    if path.is_dir():
        yield f"{key}: {_shown(path)} is a directory"
    elif not place.exists():
        yield f"{key}: there is no directory {_shown(place)} for {_shown(path)}"
    elif not os.access(place, os.W_OK):
        yield f"{key}: {_shown(path)} cannot be written to"


def _shown(path: Path) -> str:
    return escape_untrusted(str(path), _PATH_LIMIT)
