"""``wasmhost.toml``, read and checked. Every message names the line.

``[defaults]`` has the keys of an ``[[observer]]`` but its name and module; a key that an observer
gives replaces the default as a whole, tables and arrays included. A module's path is relative to
the file; ``db`` and ``reports`` are relative to where the host is started, as their defaults are.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wasmhost.config.checks import config, grants, hooks, safe_name
from wasmhost.config.document import read_document
from wasmhost.config.model import (
    MOST_STACK_KIB,
    HostConfig,
    ObserverConfig,
    ObserverDefaults,
    Quarantine,
    Rates,
    name_observers,
)
from wasmhost.config.nodes import Node, member, number, text, whole
from wasmhost.config.read_jetstream import read_jetstream
from wasmhost.config.read_sink import read_outbox, read_sinks
from wasmhost.config.source import read_source
from wasmhost.config.telemetry import read_telemetry
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_MAX_WAIT_S = 3600
_WHERE = "[defaults] or [[observer]]"


def load_config(path: str | Path) -> HostConfig:
    """Read the configuration at ``path``.

    Raises ConfigError with one line to show: the file cannot be read, is no TOML, or says something
    that cannot be meant. The modules it names are not looked at.
    """
    path = Path(path)
    document = read_document(path)
    sections = document.table(("host", "defaults", "observer", *_MORE), _SECTION_OF)
    host = _host(sections["host"]) if "host" in sections else {}
    defaults = ObserverDefaults()
    if "defaults" in sections:
        defaults = _settings(sections["defaults"].renamed("[defaults]"), defaults, {"name": "[[observer]]"})
    observers = _observers(sections["observer"], defaults, path.parent) if "observer" in sections else ()
    more = {_MORE[name][0]: _MORE[name][1](sections[name], path.parent) for name in _MORE if name in sections}
    return HostConfig(
        observers=observers, defaults=defaults, trusted_timeout_s=defaults.trusted_timeout_s, **host, **more
    )


def _host(node: Node) -> dict[str, Any]:
    values = node.renamed("[host]").table(_HOST, _SECTION_OF)
    return {name: check(values[name]) for name, check in _HOST.items() if name in values}


def _observers(node: Node, defaults: ObserverDefaults, folder: Path) -> tuple[ObserverConfig, ...]:
    if isinstance(node.raw, dict):
        raise node.renamed("[observer]").error(
            "must be [[observer]], with two brackets: there can be several"
        )
    tables = [
        element.renamed(_observer_title(element.raw, ordinal))
        for ordinal, element in enumerate(node.renamed("observer").elements(), start=1)
    ]
    settings = [_settings(table, defaults, {}, "name", "module") for table in tables]
    modules = [folder / text(_required(table, "module")) for table in tables]
    named = _explicit_names(tables)
    unnamed = [index for index in range(len(tables)) if index not in named]
    given = name_observers([modules[index] for index in unnamed], named.values())
    named.update(zip(unnamed, given, strict=True))
    return tuple(settings[index].observer(named[index], modules[index]) for index in range(len(tables)))


def _observer_title(raw: object, ordinal: int) -> str:
    name = (raw.get("name") or raw.get("module")) if isinstance(raw, dict) else None
    if name and isinstance(name, str):
        return f'[[observer]] "{escape_untrusted(name, 60)}"'
    return f"[[observer]] {ordinal}"


def _explicit_names(tables: list[Node]) -> dict[int, str]:
    names: dict[int, str] = {}
    lines: dict[str, int] = {}
    for index, table in enumerate(tables):
        node = table.entries().get("name")
        if node is None:
            continue
        name = safe_name(node)
        if name in lines:
            raise node.error(f"is the name of the observer on line {lines[name]} already")
        names[index], lines[name] = name, node.line
    return names


def _required(table: Node, name: str) -> Node:
    node = table.entries().get(name)
    if node is None:
        raise table.error(f'has no "{name}"')
    return node


def observer_settings(table: Node, base: ObserverDefaults) -> ObserverDefaults:
    """Return ``base`` with what a table says that has the keys of an ``[[observer]]``, less name and module.

    Raises ConfigError for anything else in it.
    """
    return _settings(table, base, {})


def _settings(
    table: Node, base: ObserverDefaults, elsewhere: Mapping[str, str], *more_keys: str
) -> ObserverDefaults:
    values = table.table((*more_keys, *_SETTINGS, *_LIMITS), {**_SECTION_OF, **elsewhere})
    limits = {name: check(values[name]) for name, check in _LIMITS.items() if name in values}
    settings = {name: check(values[name]) for name, check in _SETTINGS.items() if name in values}
    return replace(base, limits=replace(base.limits, **limits), **settings)


def _backoff(node: Node) -> tuple[float, float]:
    waits = [_BACKOFF(element) for element in node.elements()]
    if len(waits) != 2:
        raise node.error("must be two numbers, the first and the longest wait in milliseconds")
    first, longest = waits
    if first > longest:
        raise node.error(f"has a first wait longer than the longest, {first:g} > {longest:g}")
    if first == 0 < longest:
        raise node.error("has a first wait of 0, which never grows; write [0, 0] for no wait at all")
    return first, longest


def _quarantine(node: Node) -> Quarantine | None:
    if isinstance(node.raw, bool):
        return Quarantine() if node.raw else None
    values = node.table(_QUARANTINE, {})
    found = {name: check(values[name]) for name, check in _QUARANTINE.items() if name in values}
    return Quarantine(**found)


def _rates(node: Node) -> Rates | None:
    if isinstance(node.raw, bool):
        return Rates() if node.raw else None
    values = node.table(_RATES, {})
    return Rates(**{name: check(values[name]) for name, check in _RATES.items() if name in values})


# What may stand in each table. Any: the checks return what the field of that name is annotated with.
_Checks = dict[str, "Callable[[Node], Any]"]

_HOST: _Checks = {
    "db": lambda node: Path(text(node)),
    "reports": text,
    "drain_s": number(0, _MAX_WAIT_S),
    "isolation": member("thread", "process"),
    "shards": whole(1, 64),
}
_LIMITS: _Checks = {
    "fuel": whole(1, 10**15),
    "init_fuel": whole(1, 10**15),
    "deadline_ms": whole(1, 3_600_000),
    "init_deadline_ms": whole(1, 3_600_000),
    "memory_mib": whole(1, 4096),
    "table_elements": whole(0, 10_000_000),
    "stack_kib": whole(64, MOST_STACK_KIB),
    "module_mib": whole(1, 1024),
    "event_kib": whole(1, 64),
    "compile_s": whole(1, 3_600),
    "compile_mib": whole(256, 65_536),
}
_SETTINGS: _Checks = {
    "hooks": hooks,
    "grant": grants,
    "profile": safe_name,
    "config": config,
    "mailbox": whole(1, 1_000_000),
    "overflow": member("drop-oldest", "drop-newest"),
    "backoff_ms": _backoff,
    "quarantine": _quarantine,
    "rates": _rates,
    "trusted_timeout_s": number(0.001, _MAX_WAIT_S),
}
_QUARANTINE: _Checks = {
    "panics": whole(1, 1_000_000),
    "within": number(0.001, 1_000_000),
    "probe": number(0.001, 1_000_000),
}
_RATES: _Checks = {
    **dict.fromkeys(("logs", "log_kib", "reports", "report_kib", "state", "state_kib"), number(0, 1_000_000)),
    "burst": number(0.001, 3600),
}
# Sections with a module of their own: the field of HostConfig, and what reads it, given the file's folder.
_MORE: dict[str, tuple[str, Callable[[Node, Path], Any]]] = {
    "sink": ("sinks", read_sinks),
    "outbox": ("outbox", read_outbox),
    "source": ("source", read_source),
    "jetstream": ("jetstream", read_jetstream),
    "telemetry": ("telemetry", read_telemetry),
}
_BACKOFF = number(0, 86_400_000)
_SECTION_OF = {
    **dict.fromkeys(_HOST, "[host]"),
    **dict.fromkeys((*_SETTINGS, *_LIMITS), _WHERE),
    **dict.fromkeys(("name", "module"), "[[observer]]"),
}
