"""``[jetstream]``, read and checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wasmhost.config.jetstream import MAX_PARTITIONS, JetStreamConfig, is_prefix, is_stream_name
from wasmhost.config.nodes import Node, number, text, whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def read_jetstream(node: Node, folder: Path) -> JetStreamConfig:
    """Read the section; paths in it are relative to ``folder``, the file's."""
    node = node.renamed("[jetstream]")
    values = node.table(_CHECKS, {})
    found = {name: check(values[name]) for name, check in _CHECKS.items() if name in values}
    found |= {name: folder / found[name] for name in _PATHS if name in found}
    for one, other in (("tls_cert", "tls_key"), ("user", "password_file")):
        if (one in found) != (other in found):
            given, missing = (one, other) if one in found else (other, one)
            raise values[given].error(f"needs {missing}, too")
    if "credentials" in found and "user" in found:
        raise values["credentials"].error("says who we are, and so does user: give one of them")
    return JetStreamConfig(**found)


def _stream(node: Node) -> str:
    name = text(node)
    if not is_stream_name(name):
        raise node.error(f"must be up to 64 letters, digits, '_' and '-', not {node.shown()}")
    return name


def _subjects(node: Node) -> str:
    prefix = text(node)
    if not is_prefix(prefix):
        raise node.error(
            f"must be words of letters, digits, '_' and '-' with dots between, not {node.shown()}"
        )
    return prefix


# Any: the checks return what the field of that name is annotated with.
_CHECKS: dict[str, Callable[[Node], Any]] = {
    "stream": _stream,
    "subjects": _subjects,
    "partitions": whole(1, MAX_PARTITIONS),
    "keep_s": number(1, 10 * 366 * 86_400),
    "duplicates_s": number(1, 86_400),
    "replicas": whole(1, 5),
    "batch": whole(1, 10_000),
    "window": whole(0, 10_000_000),
    "lease_s": number(0.5, 3600),
    "credentials": text,
    "user": text,
    "password_file": text,
    "tls_ca": text,
    "tls_cert": text,
    "tls_key": text,
}
_PATHS: Final = ("credentials", "password_file", "tls_ca", "tls_cert", "tls_key")
