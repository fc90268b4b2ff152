"""``[[sink]]`` and ``[outbox]``, read and checked."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import SplitResult, urlsplit

from wasmhost.config.checks import safe_name
from wasmhost.config.nodes import Node, member, number, suggestion, text, whole
from wasmhost.config.sink import (
    DAY_S,
    MAX_SINKS,
    AnySink,
    NatsSinkConfig,
    NdjsonSinkConfig,
    OutboxConfig,
    WebhookSinkConfig,
)
from wasmhost.loopback import is_loopback
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Callable


def read_sinks(node: Node, folder: Path) -> tuple[AnySink, ...]:
    """Read all ``[[sink]]`` of a file; ``folder`` is the file's."""
    if isinstance(node.raw, dict):
        raise node.renamed("[sink]").error("must be [[sink]], with two brackets: there can be several")
    tables = node.renamed("sink").elements()
    if len(tables) > MAX_SINKS:
        raise tables[MAX_SINKS].error(f"is one too many: there may be {MAX_SINKS}")
    sinks: dict[str, AnySink] = {}
    for ordinal, table in enumerate(tables, start=1):
        sink = _sink(table.renamed(_title(table.raw, ordinal)), folder)
        if sink.name in sinks:
            raise table.error(f'has the name "{sink.name}", as another sink has already')
        sinks[sink.name] = sink
    return tuple(sinks.values())


def read_outbox(node: Node, _folder: Path) -> OutboxConfig:
    """Read ``[outbox]``."""
    values = node.renamed("[outbox]").table(_OUTBOX, {})
    return OutboxConfig(**{name: check(values[name]) for name, check in _OUTBOX.items() if name in values})


def _sink(table: Node, folder: Path) -> AnySink:
    entries = table.entries()
    if "kind" not in entries:
        raise table.error(f'has no "kind": one of {", ".join(_KINDS)}')
    kind = member(*_KINDS)(entries["kind"])
    make, own, required = _KINDS[kind]
    checks = {**_COMMON, **own}
    values = table.table(("kind", *checks), _KEYS_OF)
    for name in ("name", *required):
        if name not in values:
            raise table.error(f'has no "{name}"')
    found = {name: check(values[name]) for name, check in checks.items() if name in values}
    found.update({name: folder / found[name] for name in _BESIDE_THE_FILE if name in found})
    for one, other in (("tls_cert", "tls_key"), ("user", "password_file")):
        if (one in found) != (other in found):
            given, missing = (one, other) if one in found else (other, one)
            raise values[given].error(f"needs {missing}, too")
    if kind == "webhook" and ("secret_file" in found) == ("secret_env" in found):
        raise table.error('needs one of "secret_file" and "secret_env": every request is signed')
    sink: AnySink = make(**found)
    return sink


def _title(raw: object, ordinal: int) -> str:
    name = raw.get("name") if isinstance(raw, dict) else None
    return (
        f'[[sink]] "{escape_untrusted(name, 60)}"'
        if name and isinstance(name, str)
        else f"[[sink]] {ordinal}"
    )


def _what(node: Node) -> frozenset[str]:
    named = frozenset(member("reports", "panics")(element) for element in node.elements())
    if not named:
        raise node.error("is empty: the sink would never be sent anything")
    return named


def _names(node: Node) -> frozenset[str]:
    named = frozenset(safe_name(element) for element in node.elements())
    if not named:
        raise node.error("is empty: no observer would be heard; leave it out for all")
    return named


def _topics(node: Node) -> tuple[str, ...]:
    named = tuple(text(element) for element in node.elements())
    if not named:
        raise node.error("is empty: no report would be sent; leave it out for all")
    return named


def _path(node: Node) -> Path:
    return Path(text(node))


def _path_or_stdout(node: Node) -> Path | None:
    spec = text(node)
    return None if spec == "-" else Path(spec)


def _waits(node: Node) -> tuple[float, float]:
    waits = [number(1, 3_600_000)(element) for element in node.elements()]
    if len(waits) != 2 or waits[0] > waits[1]:
        raise node.error("must be two numbers, the first and the longest wait in milliseconds")
    return waits[0], waits[1]


def _webhook_url(node: Node) -> str:
    url = _url(node, "https", "http")
    parts = urlsplit(url)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise node.error(
            "must begin with https:// (http:// is for this machine itself only: localhost, 127.0.0.1)"
        )
    return url


def _nats_url(node: Node) -> str:
    return _url(node, "nats", "tls")


def _url(node: Node, *schemes: str) -> str:
    url = text(node)
    parts = _parts(url)
    if parts is None or parts.scheme not in schemes or not parts.hostname:
        raise node.error(
            f"must be a URL that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}"
        )
    if parts.username is not None or parts.password is not None:
        raise node.error("must not hold a password or token: it would be shown; give them in a file")
    return url


def _parts(url: str) -> SplitResult | None:
    """Take a URL apart; None for what is none."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port  # looking at it is what checks it
    except ValueError:
        return None
    return None if port == 0 else parts


_FIELD = re.compile(r"\{(\w*)\}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")


def _subject(node: Node) -> str:
    subject = text(node)
    for name in _FIELD.findall(subject):
        if name not in {"what", "observer", "topic"}:
            guess = suggestion(name, ("what", "observer", "topic"))
            raise node.error(
                f"has an unknown field {{{name}}}{guess or '; there are {what}, {observer} and {topic}'}"
            )
    tokens = _FIELD.sub("x", subject).split(".")
    if not all(_TOKEN.fullmatch(token) for token in tokens) or "{" in subject.split(".")[0]:
        raise node.error(
            "must be words of letters, digits, '_' and '-' with dots between, the first of them fixed, "
            f"not {node.shown()}"
        )
    return subject


def _variable(node: Node) -> str:
    name = text(node)
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise node.error("must be the name of an environment variable, not the secret itself")
    return name


# Any: the checks return what the field of that name is annotated with.
_Checks = dict[str, "Callable[[Node], Any]"]

_COMMON: Final[_Checks] = {
    "name": safe_name,
    "what": _what,
    "observers": _names,
    "topics": _topics,
    "batch": whole(1, 10_000),
    "timeout_s": number(0.1, 600),
    "backoff_ms": _waits,
    "attempts": whole(1, 1_000_000),
    "max_age_s": number(1, 365 * DAY_S),
    "dead_letter": _path,
}
_NDJSON: Final[_Checks] = {"path": _path_or_stdout}
_WEBHOOK: Final[_Checks] = {
    "url": _webhook_url,
    "secret_file": _path,
    "secret_env": _variable,
    "tls_ca": _path,
}
_NATS: Final[_Checks] = {
    "url": _nats_url,
    "subject": _subject,
    "user": text,
    **dict.fromkeys(("credentials", "password_file", "tls_ca", "tls_cert", "tls_key"), _path),
}
_BESIDE_THE_FILE: Final = ("secret_file", "credentials", "password_file", "tls_ca", "tls_cert", "tls_key")
_KINDS: Final[dict[str, tuple[Callable[..., AnySink], _Checks, tuple[str, ...]]]] = {
    "ndjson": (NdjsonSinkConfig, _NDJSON, ("path",)),
    "webhook": (WebhookSinkConfig, _WEBHOOK, ("url",)),
    "nats": (NatsSinkConfig, _NATS, ("url",)),
}
_KEYS_OF: Final = {
    **dict.fromkeys(_NDJSON, 'a sink of kind "ndjson"'),
    **dict.fromkeys(_NATS, 'a sink of kind "nats"'),
    **dict.fromkeys(_WEBHOOK, 'a sink of kind "webhook"'),
}
_OUTBOX: Final[_Checks] = {
    "rows": whole(100, 1_000_000_000),
    "mib": whole(1, 1_000_000),
    "panics_every_s": number(0, 86_400),
}
