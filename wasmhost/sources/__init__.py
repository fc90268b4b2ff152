"""Where events come from: one module per kind of source, one word for each on the command line."""

from wasmhost.sources.base import Rejected, Source, SourceEnded, SourceItem
from wasmhost.sources.file import FileSource
from wasmhost.sources.parse import open_source
from wasmhost.sources.tcp import TcpSource
from wasmhost.sources.unix import UnixSource

__all__ = [
    "FileSource",
    "Rejected",
    "Source",
    "SourceEnded",
    "SourceItem",
    "TcpSource",
    "UnixSource",
    "open_source",
]
