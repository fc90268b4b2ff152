"""From one configuration to another while the host runs: which observers come, go, and are replaced."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Final

from wasmhost.errors import GuestRefused, UserError
from wasmhost.host.loading import read_module, refusal
from wasmhost.host.mishaps import tell_operator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Collection, Mapping

    from wasmhost.config import HostConfig, ObserverConfig
    from wasmhost.host.crew import Crew

_RELOADED: Final = frozenset({"observers", "defaults", "drain_s"})
"""What of a configuration can change while a host runs."""


@dataclass(frozen=True, slots=True)
class Reload:
    """What a reload did, by observers' names.

    ``refused``: why those do not run that should; one that ran before goes on as it was. ``later``: keys of
    the configuration that have changed, and take effect with the host's next start.
    """

    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict[str, str])
    later: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """Which observers are to be added, replaced and removed."""

    added: tuple[ObserverConfig, ...]
    replaced: tuple[ObserverConfig, ...]
    removed: tuple[str, ...]


def plan(new: HostConfig, running: Mapping[str, tuple[ObserverConfig, str]]) -> Plan:
    """Compare a configuration with what runs: by name, its settings and its module's SHA-256.

    Reads the modules. One that cannot be read counts as changed: who tries to load it says why.
    """
    wanted = {observer.name for observer in new.observers}
    added = tuple(observer for observer in new.observers if observer.name not in running)
    replaced = tuple(
        observer
        for observer in new.observers
        if observer.name in running and _differs(observer, *running[observer.name])
    )
    return Plan(added, replaced, tuple(name for name in running if name not in wanted))


def _differs(observer: ObserverConfig, running: ObserverConfig, module_sha256: str) -> bool:
    if observer != running:
        return True
    try:
        wasm = read_module(observer.module, observer.limits.module_mib)
    except GuestRefused:
        return True
    return hashlib.sha256(wasm).hexdigest() != module_sha256


async def carry_out(todo: Plan, crew: Crew, taken: Collection[str], drain_s: float | None) -> Reload:
    """Do what was planned: end some together, then replace and start one after the other, each to its end.

    ``taken``: names that no guest may have. ``drain_s``: how long those that go may take to serve what waits.
    """
    refused: dict[str, str] = {}

    async def succeeds(name: str, work: Awaitable[None]) -> bool:
        try:
            await work
        except Exception as error:  # one observer must not keep the others from what they are to become
            # A user's error too, though at a start it ends the host: what is left to do is done all the same.
            refused[name] = str(error) if isinstance(error, UserError) else refusal(error)
            return False
        return True

    await asyncio.gather(*(crew.remove(name, drain_s) for name in todo.removed))  # each may have to drain
    replaced = [each.name for each in todo.replaced if await succeeds(each.name, crew.replace(each))]
    for name, reason in refused.items():
        what = "observer not replaced; the one before goes on"
        tell_operator("error", what, observer=name, reason=reason)
    added: list[str] = []
    for observer in todo.added:
        name = observer.name
        if name in taken:
            refused[name] = "an observer in Python has its name"
        elif await succeeds(name, crew.add(observer)):
            added.append(name)
            continue
        crew.refuse(name, refused[name])
    return Reload(tuple(added), tuple(replaced), todo.removed, refused)


def check_names(new: HostConfig) -> None:
    """Make sure that no two observers have one name: a file is not let in with it, a program's may be.

    :raises UserError: they have.
    """
    seen: set[str] = set()
    for observer in new.observers:
        if observer.name in seen:
            raise UserError(f'two observers have the name "{observer.name}": give one of them another')
        seen.add(observer.name)


def merged(running: HostConfig, new: HostConfig) -> tuple[HostConfig, tuple[str, ...]]:
    """Return the configuration that is in force after a reload, and the keys that it could not change."""
    keys = [item.name for item in fields(running)]
    kept = {name: getattr(running, name) for name in keys if name not in _RELOADED}
    later = tuple(name for name, value in kept.items() if value != getattr(new, name))
    return replace(new, **kept), later
