"""For one observer, all that can be given: whether it is asked for, granted, and used so far."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wasmhost.config.model import GRANTABLE, GRANTABLE_FIELDS
from wasmhost.contract.hooks import HOOK_BY_EXPORT, HOOKS
from wasmhost.errors import GuestRefused
from wasmhost.grants.given import asked_of, decide
from wasmhost.grants.usage import Used
from wasmhost.host.loading import read_module
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.binary import Unreadable, read_shape
from wasmhost.sandbox.guest import module_kind, read_manifest
from wasmhost.sandbox.unwrapping import airlock_module

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from wasmhost.config import ObserverConfig
    from wasmhost.contract.manifest import Manifest
    from wasmhost.grants.usage import Kind

    Usage = Callable[[str, str], Mapping[Used, int]]

_CAPABILITIES: Final = sorted(GRANTABLE)
_FIELDS: Final = sorted(GRANTABLE_FIELDS)


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that can be given. ``asked`` is None where the module cannot say; ``used``: how often."""

    kind: Kind
    name: str
    asked: bool | None
    optional: bool
    granted: bool
    used: int

    @property
    def given(self) -> bool:
        """Whether the observer has it."""
        return self.granted and self.asked is not False

    @property
    def spare(self) -> bool:
        """Whether it is granted, and nobody would miss it so far."""
        return self.granted and not self.used and (self.kind != "hook" or self.asked is not False)


@dataclass(frozen=True, slots=True)
class Overview:
    """One observer: its rows in a fixed order, and why it would not be let in, where that is."""

    name: str
    module_sha256: str
    profile: str
    rows: tuple[Row, ...]
    refused: str | None


def overview(observer: ObserverConfig, usage: Usage) -> Overview:
    """Look at an observer's module, which is neither compiled nor run; ``usage`` tells what was used.

    :raises GuestRefused: the module cannot be read.
    """
    wasm = read_module(observer.module, observer.limits.module_mib)
    kind = module_kind(wasm, observer.limits.module_mib)
    manifest = read_manifest(wasm)
    core = wasm if kind == "core" else airlock_module(wasm)
    hooks, asked = _said(manifest) if manifest is not None else _shown(core)
    sha256 = hashlib.sha256(wasm).hexdigest()
    used = usage(observer.name, sha256)
    optional = frozenset(manifest.optional) if manifest is not None else frozenset[str]()

    def row(kind: Kind, name: str, wanted: frozenset[str] | None, *, granted: bool) -> Row:
        said = None if wanted is None else name in wanted
        return Row(kind, name, said, name in optional, granted, used.get(Used(kind, name), 0))

    rows = (
        *(row("hook", hook.name, hooks, granted=_hears(observer, hook.name)) for hook in HOOKS),
        *(row("capability", name, asked, granted=name in observer.grant) for name in _CAPABILITIES),
        # A module without a manifest has no way to ask for fields.
        *(
            row("field", name, asked if manifest is not None else None, granted=name in observer.grant)
            for name in _FIELDS
        ),
    )
    profile = observer.profile or observer.name
    return Overview(observer.name, sha256, profile, rows, _why_refused(manifest, observer, asked))


def _hears(observer: ObserverConfig, hook: str) -> bool:
    return observer.hooks is None or hook in observer.hooks


def _said(manifest: Manifest) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    return frozenset(manifest.hooks), asked_of(manifest)


def _shown(core: bytes | None) -> tuple[frozenset[str] | None, frozenset[str] | None]:
    """What a core module's exports and imports say; of a component only the engine could read them."""
    if core is None:
        return None, None
    try:
        shape = read_shape(core)
    except Unreadable as error:
        raise GuestRefused(f"its imports and exports cannot be read: {error}") from None
    hooks = frozenset(hook.name for name, hook in HOOK_BY_EXPORT.items() if name in shape.exports)
    known = (abi.IMPORTS.get((module, name)) for module, name, _ in shape.imports)
    return hooks, frozenset(entry.capability for entry in known if entry is not None) & GRANTABLE


def _why_refused(
    manifest: Manifest | None, observer: ObserverConfig, asked: frozenset[str] | None
) -> str | None:
    """Why its grants keep it out, if they do; whatever else may be wrong with it, `inspect` tells."""
    try:
        given = decide(manifest, observer.grant)
        for capability in sorted(asked or ()) if manifest is None else ():
            given.check(capability, capability)
    except GuestRefused as refused:
        return str(refused)
    return None
