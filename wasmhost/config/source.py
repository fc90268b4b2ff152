"""``[source]``: what a listening source asks of those who connect, and what it lets them have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wasmhost.config.nodes import Node, number, text, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MOST_TOKEN_BYTES = 1024


@dataclass(frozen=True, slots=True)
class TlsConfig:
    """PEM files: the host's certificate and its key, and the certificates that sign those of nodes."""

    cert: Path
    key: Path
    client_ca: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceConfig:
    """What holds for the connections of a source that listens; nothing of it is for files.

    ``connections`` at once; None for 10,000 or, where the process may not have so many open files, as
    many as it may. ``item_kib``: the largest item. ``events_s`` and ``kib_s``: what is read of one
    connection in a second, 0 for as much as there is. ``hello_s`` and ``idle_s``: seconds to say who
    one is, and without an event; no limit where ``idle_s`` is 0. ``srcs``: how many sources are
    remembered that were acknowledged something.

    Where there are ``tokens``, or a ``token_file`` or ``token_env`` that holds them, a connection must
    name one. ``uids`` and ``gids`` may connect to a Unix socket besides the host's own user.
    """

    connections: int | None = None
    item_kib: int = 64
    events_s: float = 20_000
    kib_s: float = 32_768
    hello_s: float = 10
    idle_s: float = 3_600
    srcs: int = 65_536
    tokens: tuple[str, ...] = field(default=(), repr=False)
    token_file: Path | None = None
    token_env: str | None = None
    uids: frozenset[int] = frozenset()
    gids: frozenset[int] = frozenset()
    tls: TlsConfig | None = None


def read_source(node: Node, folder: Path) -> SourceConfig:
    """Read the table ``[source]``; its paths are relative to ``folder``. Raises ConfigError."""
    values = node.renamed("[source]").table((*_CHECKS, "token_file", "tls"), {})
    settings = {name: check(values[name]) for name, check in _CHECKS.items() if name in values}
    if "token_file" in values:
        settings["token_file"] = folder / text(values["token_file"])
    if "tls" in values:
        settings["tls"] = _tls(values["tls"].renamed("[source.tls]"), folder)
    return SourceConfig(**settings)


def _tls(node: Node, folder: Path) -> TlsConfig:
    names = ("cert", "key", "client_ca")
    values = node.table(names, {})
    for name in names:
        if name not in values:
            raise node.error(f'has no "{name}"; it needs {", ".join(names)}: a file each')
    return TlsConfig(*(folder / text(values[name]) for name in names))


def _tokens(node: Node) -> tuple[str, ...]:
    # Unlike other checks these never show the value: a message ends up in a log.
    if not isinstance(node.raw, list):
        raise node.error('must be an array of strings, as in ["…"]')
    for element in node.elements():
        if not isinstance(element.raw, str) or not is_token(element.raw):
            raise element.error(f"has one that is no string of 1 to {MOST_TOKEN_BYTES} bytes without blanks")
    return tuple(node.raw)


def is_token(token: str) -> bool:
    """Tell whether ``token`` may be one: printable, without blanks, and not without end."""
    printable = token.isprintable() and not any(letter.isspace() for letter in token)
    return printable and 1 <= len(token.encode("utf-8", "surrogatepass")) <= MOST_TOKEN_BYTES


def _numbers(node: Node) -> frozenset[int]:
    return frozenset(_ID(element) for element in node.elements())


def _wait(low: float) -> Callable[[Node], float]:
    return number(low, 86_400 * 365)


_ID = whole(0, (1 << 32) - 2)
# Any: the checks return what the field of that name is annotated with.
_CHECKS: dict[str, Callable[[Node], Any]] = {
    "connections": whole(1, 1_000_000),
    "item_kib": whole(1, 64),
    "events_s": number(0, 1_000_000_000),
    "kib_s": number(0, 1_000_000_000),
    "hello_s": _wait(0.01),
    "idle_s": _wait(0),
    "srcs": whole(1, 10_000_000),
    "tokens": _tokens,
    "token_env": text,
    "uids": _numbers,
    "gids": _numbers,
}
