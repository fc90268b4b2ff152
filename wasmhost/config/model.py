"""What a run of the host is told: frozen records, with the contract's defaults."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from wasmhost.config.jetstream import JetStreamConfig
from wasmhost.config.sink import AnySink, OutboxConfig
from wasmhost.config.source import SourceConfig
from wasmhost.config.telemetry import TelemetryConfig
from wasmhost.contract.manifest import FIELDS
from wasmhost.errors import ConfigError
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

Overflow = Literal["drop-oldest", "drop-newest"]
Isolation = Literal["thread", "process"]

GRANTABLE: frozenset[str] = frozenset({"config", "metrics", "report", "state"})
"""Capabilities that an observer has only where it is granted them."""
GRANTABLE_FIELDS: frozenset[str] = frozenset(FIELDS)
"""Parts of an event that an observer is given in disguise, unless it is granted them."""
ALWAYS_GRANTED: frozenset[str] = frozenset({"log", "panic", "delivery"})
"""Capabilities that every observer has; naming one in ``grant`` is accepted and changes nothing."""
DEFAULT_GRANT: frozenset[str] = frozenset({"config", "metrics", "report"})

WHAT_IS = (
    f"those that can be granted are {', '.join(sorted(GRANTABLE))}, and of fields {', '.join(sorted(FIELDS))}"
)
"""What can be granted, in words for a message."""

CONFIG_BYTES = 16 * 1024
"""Room for an observer's ``config`` table in the airlock's box."""
CONFIG_ENTRY_OVERHEAD = 8
"""What each entry costs there beside its key and its value: their two lengths."""

MOST_STACK_KIB = 1024
"""What a guest's calls may take of a stack at most: threads that serve guests have that much."""

MAX_NAME = 64
_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_NAME - 1}}}")


@dataclass(frozen=True, slots=True)
class Quarantine:
    """When a hook that keeps panicking is no longer called, and when it is tried again.

    ``panics`` of one hook within ``within`` put it in quarantine, and after ``probe`` one event is
    let through. Both are in seconds, or in events where the source is a file.
    """

    panics: int = 5
    within: float = 60.0
    probe: float = 30.0


@dataclass(frozen=True, slots=True)
class Rates:
    """How much of what a guest asks for is done in a second; what is over it is counted and told.

    ``logs``, ``reports`` and ``state`` (writes of it) count things, the others KiB of them. Up to
    ``burst`` seconds' worth may come at once. In a run of a file a hundred events are a second.
    """

    logs: float = 100
    log_kib: float = 256
    reports: float = 20_000
    report_kib: float = 65_536
    state: float = 20_000
    state_kib: float = 65_536
    burst: float = 10


@dataclass(frozen=True, slots=True)
class Limits:
    """What one guest may use. Units are in the names; fuel is wasmtime's."""

    fuel: int = 10_000_000
    init_fuel: int = 100_000_000
    deadline_ms: int = 100
    init_deadline_ms: int = 5_000
    memory_mib: int = 64
    table_elements: int = 10_000
    stack_kib: int = 256
    module_mib: int = 32
    event_kib: int = 64
    compile_s: int = 120
    compile_mib: int = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class ObserverDefaults:
    """Everything about an observer but its name and its module.

    ``hooks`` restricts which of the exported hooks are called (None: all). ``grant`` holds capabilities
    and fields. Observers of one ``profile`` (None: each has its own) see the same pseudonyms.
    ``backoff_ms`` is the first and the longest wait after a panic, in milliseconds. ``quarantine`` is
    None when off.
    ``rates`` is None where only a delivery is bounded.
    ``trusted_timeout_s`` is for observers in Python; a module is bounded by ``limits`` instead.
    """

    hooks: frozenset[str] | None = None
    grant: frozenset[str] = DEFAULT_GRANT
    profile: str | None = None
    config: Mapping[str, str] = field(default_factory=dict[str, str])
    limits: Limits = field(default_factory=Limits)
    mailbox: int = 1024
    overflow: Overflow = "drop-oldest"
    backoff_ms: tuple[float, float] = (10, 10_000)
    quarantine: Quarantine | None = field(default_factory=Quarantine)
    rates: Rates | None = field(default_factory=Rates)
    trusted_timeout_s: float = 5.0

    def observer(self, name: str, module: Path) -> ObserverConfig:
        """Return an observer with these settings."""
        settings = {item.name: getattr(self, item.name) for item in fields(ObserverDefaults)}
        return ObserverConfig(name, module, **settings)


@dataclass(frozen=True, slots=True)
class ObserverConfig(ObserverDefaults):
    """One observer: its name, unique in the host and safe to print, its module and its settings."""

    name: str
    module: Path


@dataclass(frozen=True, slots=True)
class HostConfig:
    """One run of the host.

    ``db``: the database of panics and observers' state, or None to keep nothing. ``reports``: a
    path, or "-" for stdout. ``drain_s``: seconds to let mailboxes run empty at the end.
    ``trusted_timeout_s``: seconds a hook of an observer in Python may take. ``defaults``: settings
    for observers that are added later. ``isolation``: whether guests run in this process's own threads
    or in shard processes, ``shards`` of them; None leaves it to whoever runs the host: a program that
    embeds it gets threads, ``wasmhost run`` processes, as many as there are processors and observers.
    ``sinks``: where reports and panics are sent besides, by way of ``outbox`` in the database.
    ``source``: the terms on which nodes may connect, where events come over a socket.
    ``telemetry``: what the host tells of itself.
    """

    observers: tuple[ObserverConfig, ...] = ()
    db: Path | None = Path("wasmhost.db")
    reports: str = "-"
    drain_s: float = 5.0
    trusted_timeout_s: float = 5.0
    isolation: Isolation | None = None
    shards: int | None = None
    defaults: ObserverDefaults = field(default_factory=ObserverDefaults)
    sinks: tuple[AnySink, ...] = ()
    outbox: OutboxConfig = field(default_factory=OutboxConfig)
    source: SourceConfig = field(default_factory=SourceConfig)
    jetstream: JetStreamConfig = field(default_factory=JetStreamConfig)
    telemetry: TelemetryConfig = field(default_factory=TelemetryConfig)

    def with_observers(self, modules: Sequence[Path], grants: Sequence[str] = ()) -> HostConfig:
        """Return this configuration with one more observer for each of ``modules``.

        They have the configured defaults and are granted ``grants`` on top; observers that are
        there already keep their own grants. Raises ConfigError for a grant that doesn't exist.
        """
        defaults = replace(self.defaults, grant=self.defaults.grant | check_grants(grants))
        names = name_observers(modules, {observer.name for observer in self.observers})
        added = (defaults.observer(name, module) for name, module in zip(names, modules, strict=True))
        return replace(self, observers=(*self.observers, *added))


def name_observers(modules: Sequence[Path], taken: Collection[str] = ()) -> list[str]:
    """Return a name for each module: its file's stem, with "-2", "-3"… where that is taken.

    Characters that :func:`is_safe_name` refuses become "-".
    """
    names: list[str] = []
    used = Counter(taken)
    for module in modules:
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", module.stem).lstrip("._-")[: MAX_NAME - 8] or "observer"
        name, number = stem, 1
        while used[name]:
            number += 1
            name = f"{stem}-{number}"
        used[name] += 1
        names.append(name)
    return names


def is_safe_name(name: str) -> bool:
    """Tell whether an observer may be called ``name``.

    Up to 64 ASCII letters, digits, ".", "_" and "-", beginning with a letter or a digit: safe in a
    terminal, a log line, a file name and a metric label alike.
    """
    return _NAME.fullmatch(name) is not None


def check_grants(grants: Collection[str]) -> frozenset[str]:
    """Return the capabilities and fields to grant; raises ConfigError for a name that is neither."""
    unknown = sorted(set(grants) - GRANTABLE - GRANTABLE_FIELDS - ALWAYS_GRANTED)
    if unknown:
        raise ConfigError(
            f'unknown capability or field "{escape_untrusted(unknown[0], MAX_NAME)}"; {WHAT_IS}'
        )
    return frozenset(grants) - ALWAYS_GRANTED
