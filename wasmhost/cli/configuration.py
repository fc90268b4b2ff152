"""What ``wasmhost check-config`` finds out: whether a run would take each observer, and find each place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wasmhost.cli.description import describe, hooks_in_order
from wasmhost.cli.places import problems_of
from wasmhost.config import load_config
from wasmhost.errors import GuestRefused

if TYPE_CHECKING:
    from pathlib import Path

    from wasmhost.config import ObserverConfig


@dataclass(frozen=True, slots=True)
class CheckedObserver:
    """One observer; ``hooks`` are those that it would hear, ``reason`` is None where it would run."""

    name: str
    module: Path
    module_sha256: str | None
    hooks: tuple[str, ...]
    grant: tuple[str, ...]
    reason: str | None


@dataclass(frozen=True, slots=True)
class Checked:
    """A configuration that could be read; ``problems`` are not about observers, a line each."""

    observers: tuple[CheckedObserver, ...]
    problems: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether a run would take all of it."""
        return not self.problems and all(observer.reason is None for observer in self.observers)


def check(file: Path) -> Checked:
    """Read a configuration, and look at all that it names.

    :raises ConfigError: it cannot be read, or says something that cannot be meant.
    """
    settings = load_config(file)
    return Checked(tuple(map(_observer, settings.observers)), problems_of(settings))


def _observer(observer: ObserverConfig) -> CheckedObserver:
    grant = tuple(sorted(observer.grant))
    try:
        found = describe(observer)
    except GuestRefused as refused:
        return CheckedObserver(observer.name, observer.module, None, (), grant, str(refused))
    hooks = hooks_in_order(found.surface) if found.surface is not None else []
    heard = tuple(hook for hook in hooks if observer.hooks is None or hook in observer.hooks)
    return CheckedObserver(observer.name, observer.module, found.sha256, heard, grant, found.reason)
