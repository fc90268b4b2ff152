"""The words of ``--from``, and the sources they mean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from wasmhost.errors import SourceError
from wasmhost.sources.file import FileSource
from wasmhost.sources.tcp import TcpSource
from wasmhost.sources.unix import UnixSource
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from wasmhost.config.source import SourceConfig
    from wasmhost.sources.base import Source

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_SOURCES = 'a file, "-", unix:PATH or tcp:HOST:PORT'


def open_source(spec: str, settings: SourceConfig | None = None) -> Source:
    """Return the source that ``spec`` names: a file's path, "-" for standard input, or where to listen.

    That is ``unix:PATH`` or ``tcp:HOST:PORT``, on the terms of ``settings``. It opens with ``async
    with``. Raises SourceError for a spec that names none; whether there is a file, or the socket can be
    listened on, shows on opening.
    """
    if spec == "-":
        return FileSource(None)
    if not spec or "\0" in spec:
        raise SourceError(f"no source named; a source is {_SOURCES}")
    scheme = _SCHEME.match(spec)
    if scheme is None:
        return FileSource(Path(spec))
    place = spec[scheme.end() :]
    match scheme[1].lower():
        case "unix" if place:
            return UnixSource(Path(place), settings)
        case "unix":
            raise SourceError("unix: needs the path of a socket, as in unix:/run/wasmhost.sock")
        case "tcp":
            return TcpSource(place, settings)
    raise SourceError(
        f'cannot read events from "{escape_untrusted(spec, 200)}": a source is {_SOURCES} '
        f"(for a file of that name, write ./{escape_untrusted(spec, 200)})"
    )
