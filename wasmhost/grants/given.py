"""Decides what an observer is given: what it asks for and is granted, and nothing else.

A manifest asks, the operator's ``grant`` grants. What is asked and not granted is a reason to refuse the
module, unless its author marked it optional: then it runs without. A module without a manifest asks by what
it imports, and as it cannot ask for fields, it is given those that are granted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wasmhost.config.model import ALWAYS_GRANTED, GRANTABLE, GRANTABLE_FIELDS
from wasmhost.errors import GuestRefused

if TYPE_CHECKING:
    from collections.abc import Collection

    from wasmhost.contract.manifest import Manifest


@dataclass(frozen=True, slots=True)
class Given:
    """What an observer is given: capabilities, and fields of events undisguised.

    ``without``: capabilities that it may import, and that do nothing for it. ``by_manifest``: whether it
    said itself what it wants.
    """

    capabilities: frozenset[str]
    fields: frozenset[str]
    without: frozenset[str]
    by_manifest: bool

    def check(self, capability: str, what: str) -> None:
        """Let an import pass, or refuse it; ``what`` names it.

        :raises GuestRefused: it is not granted, or the module's manifest does not ask for it.
        """
        if capability in self.capabilities or capability in self.without:
            return
        if self.by_manifest:
            raise GuestRefused(
                f'it imports {what}, and its manifest does not ask for "{capability}": name it among the '
                "capabilities in observer.toml, and build it again"
            )
        raise GuestRefused(
            f'it imports {what}, and "{capability}" is not granted: add it to the observer\'s grant'
        )


def decide(manifest: Manifest | None, grant: Collection[str]) -> Given:
    """Decide what a module is given; ``grant`` holds capabilities and fields.

    :raises GuestRefused: it asks for what is not granted, and cannot do without.
    """
    granted = frozenset(grant)
    if manifest is None:
        return Given(granted & GRANTABLE, granted & GRANTABLE_FIELDS, frozenset(), by_manifest=False)
    asked = asked_of(manifest)
    missing = sorted(asked - granted - frozenset(manifest.optional))
    if missing:
        raise GuestRefused(_not_granted(missing))
    without = asked & GRANTABLE - granted
    return Given(asked & granted & GRANTABLE, given_fields(manifest, grant), without, by_manifest=True)


def asked_of(manifest: Manifest) -> frozenset[str]:
    """What a manifest asks for, capabilities and fields, but for what every observer has."""
    return frozenset((*manifest.capabilities, *manifest.optional, *manifest.fields)) - ALWAYS_GRANTED


def given_fields(manifest: Manifest | None, grant: Collection[str]) -> frozenset[str]:
    """Return the fields of events that an observer is given undisguised, should it be let in."""
    granted = GRANTABLE_FIELDS.intersection(grant)
    return granted if manifest is None else granted & asked_of(manifest)


def _not_granted(missing: list[str]) -> str:
    known = [name for name in missing if name in GRANTABLE | GRANTABLE_FIELDS]
    if not known:
        return f'it asks for "{missing[0]}", which wasmhost does not offer'
    names = " and ".join(f'"{name}"' for name in known)
    are, them = ("is", "it") if len(known) == 1 else ("are", "them")
    return f"it asks for {names}, which {are} not granted: add {them} to the observer's grant"
