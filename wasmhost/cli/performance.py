"""The demonstration itself: six guests, one real trace, and all that came of it gathered up."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from wasmhost.cli.session import play
from wasmhost.config import HostConfig
from wasmhost.demo import REAL_TRACE, guest
from wasmhost.panics import PanicRow, read_panics

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.cli.outcome import Outcome
    from wasmhost.cli.stopping import StopRequest
    from wasmhost.config import ObserverConfig


@dataclass(frozen=True, slots=True)
class Part:
    """One guest of the demonstration: what it is there for, and how it is configured."""

    name: str
    purpose: str
    config: tuple[tuple[str, str], ...] = ()
    grant: frozenset[str] = frozenset()


CAST: Final = (
    Part(
        "credential-pager", "pages when a credential is about to end", (), frozenset({"self", "credential"})
    ),
    Part("flap-detector", "reports peers that keep disconnecting", (), frozenset({"self", "peer"})),
    Part(
        "relay-watch",
        "reports realms where too much is relayed",
        (("min-connections", "5"),),
        frozenset({"self"}),
    ),
    Part(
        "event-counter", "counts, and keeps the counts in its state", (("every", "65"),), frozenset({"state"})
    ),
    Part("trapper", "panics on every WebRTC connection", (), frozenset({"peer"})),
    Part("spinner", "never returns from a WebSocket one"),
)


@dataclass(frozen=True, slots=True)
class Performance:
    """What came of it: the run's outcome, the reports in order of their events, the panic log."""

    outcome: Outcome
    reports: tuple[dict[str, Any], ...]
    panics: tuple[PanicRow, ...]


def perform(folder: Path, stop: StopRequest) -> Performance:
    """Replay the real trace; all that is written goes into ``folder``."""
    database, reports = folder / "demo.db", folder / "reports.ndjson"
    observers = tuple(_observer(part) for part in CAST)
    config = HostConfig(observers=observers, db=database, reports=str(reports))
    outcome = asyncio.run(play(config, str(REAL_TRACE), stop))
    found = [json.loads(line) for line in reports.read_text("utf-8").splitlines()]
    found.sort(key=lambda report: report["seq"])
    return Performance(outcome, tuple(found), tuple(read_panics(database)))


def _observer(part: Part) -> ObserverConfig:
    defaults = HostConfig().defaults
    settings = replace(defaults, config=dict(part.config), grant=defaults.grant | part.grant)
    return settings.observer(part.name, guest(part.name))
