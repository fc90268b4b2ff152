"""What ``wasmhost inspect`` tells of a module: what it shows, and whether a run would let it in."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import cbor2

from wasmhost.config.model import GRANTABLE
from wasmhost.contract.hooks import HOOKS
from wasmhost.errors import GuestRefused
from wasmhost.grants.given import Given, decide, given_fields
from wasmhost.grants.profiles import KEY_BYTES, Profiles
from wasmhost.grants.views import Views
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.guest import compile_guest, let_in, module_kind, read_manifest, surface
from wasmhost.sandbox.instance import Sandbox, refused_start
from wasmhost.sandbox.producers import language_of
from wasmhost.sandbox.surface import Surface
from wasmhost.text import shorten
from wasmhost.wall.workshop import sandbox_engine

if TYPE_CHECKING:
    from wasmhost.config import ObserverConfig
    from wasmhost.contract.manifest import Manifest
    from wasmhost.sandbox.compiling import ModuleKind
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.guest import Compiled

_MIB: Final = 1024 * 1024
NAME_LIMIT: Final = 256
"""Characters of an import's name that are told; nothing that wasmhost offers has so many."""


@dataclass(frozen=True, slots=True)
class Description:
    """A module and what became of it. ``reason`` is None where it is accepted.

    ``kind`` and ``surface`` are None where the file did not get that far; ``manifest`` and ``language``
    where it says nothing of them; ``sha256`` where it is too large to be read. ``size`` is in bytes.
    ``given`` is what it would be given, None where its grants keep it out; ``sees``: of each of its hooks a
    typical event, as these grants would show it.
    """

    name: str
    sha256: str | None
    size: int
    kind: ModuleKind | None
    surface: Surface | None
    manifest: Manifest | None
    language: str | None
    reason: str | None
    given: Given | None = None
    sees: tuple[tuple[str, dict[str, Any]], ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Give the keys of ``inspect --json``."""
        shown = self.surface or Surface((), (), None, None)
        return {
            "name": self.name,
            "sha256": self.sha256,
            "size": self.size,
            "kind": self.kind,
            "hooks": hooks_in_order(shown),
            "imports": [
                {
                    "module": shorten(module, NAME_LIMIT),
                    "name": shorten(name, NAME_LIMIT),
                    "capability": capability(module, name),
                }
                for module, name in shown.imports
            ],
            "memory": _room(shown.memory),
            "accepted": self.reason is None,
            "reason": self.reason,
            "manifest": None if self.manifest is None else self.manifest.as_map(),
            "table": _room(shown.table),
            "language": self.language,
            "sdk": (self.manifest.sdk or None) if self.manifest is not None else None,
            "given": self._given(),
            "sees": [{"hook": hook, "event": event} for hook, event in self.sees],
        }

    def _given(self) -> dict[str, list[str]] | None:
        given = self.given
        if given is None:
            return None
        shown = self.surface or Surface((), (), None, None)
        imported = {capability(module, name) for module, name in shown.imports}
        return {
            "capabilities": sorted(given.capabilities & (imported if not given.by_manifest else GRANTABLE)),
            "fields": sorted(given.fields),
            "without": sorted(given.without),
        }


def _room(room: tuple[int, int | None] | None) -> dict[str, int | None] | None:
    return None if room is None else dict(zip(("min", "max"), room, strict=True))


def describe(observer: ObserverConfig) -> Description:
    """Look at a module as a run of this observer would, up to and including its initialisation.

    :raises GuestRefused: the file cannot be read at all.
    """
    wasm = _read(observer)
    limit = observer.limits.module_mib * _MIB
    size = len(wasm) if len(wasm) <= limit else max(len(wasm), observer.module.stat().st_size)
    sha256 = hashlib.sha256(wasm).hexdigest() if len(wasm) <= limit else None
    kind: ModuleKind | None = None
    shown: Surface | None = None
    manifest: Manifest | None = None
    reason: str | None = None
    with suppress(GuestRefused):
        kind = module_kind(wasm, observer.limits.module_mib)
    with sandbox_engine(observer.limits.stack_kib) as engine:
        try:
            compiled = compile_guest(engine, wasm, observer.limits)
            shown = surface(engine, compiled, wasm)
            manifest = read_manifest(wasm)
            _try_out(engine, compiled, wasm, observer)
        except GuestRefused as refused:
            reason = str(refused)
    given: Given | None = None
    with suppress(GuestRefused):
        given = decide(manifest, observer.grant)
    sees = _sees(observer, shown, manifest) if shown is not None else ()
    language = None
    if shown is not None:  # else it was not looked through: it may be of any size
        language = (manifest.language if manifest is not None else "") or language_of(wasm)
    return Description(observer.name, sha256, size, kind, shown, manifest, language, reason, given, sees)


def _sees(
    observer: ObserverConfig, shown: Surface, manifest: Manifest | None
) -> tuple[tuple[str, dict[str, Any]], ...]:
    """Of each hook that it would hear a typical event, as these grants would show it."""
    from wasmhost.authoring.samples import SAMPLES

    # Any key will do for an example; this one gives the same pseudonyms each time.
    profile = Profiles(bytes(KEY_BYTES)).of(
        observer.profile or observer.name, given_fields(manifest, observer.grant)
    )
    served = [hook for hook in hooks_in_order(shown) if manifest is None or hook in manifest.hooks]
    heard = [hook for hook in served if observer.hooks is None or hook in observer.hooks]
    frames = [SAMPLES[hook] for hook in heard]
    views = frames if profile is None else [Views(frame).of(profile) for frame in frames]
    return tuple((view.hook, cbor2.loads(view.data)) for view in views)


def _read(observer: ObserverConfig) -> bytes:
    # The same reader as a run's: with it come the same limits and the same words.
    from wasmhost.host.loading import read_module

    return read_module(observer.module, observer.limits.module_mib)


def _try_out(engine: SandboxEngine, compiled: Compiled, wasm: bytes, observer: ObserverConfig) -> None:
    """Let it in and start it, as a run does; the sandbox is thrown away before any event.

    :raises GuestRefused: with the reason.
    """
    guest = let_in(engine, compiled, wasm, observer.limits, grant=observer.grant, hooks=observer.hooks)
    sandbox = Sandbox(engine, guest, observer.limits, config=observer.config)
    try:
        trap = sandbox.init.trap
        if trap is not None:
            raise refused_start(trap)
    finally:
        sandbox.close()


def hooks_in_order(shown: Surface) -> list[str]:
    """Return the hooks it exports, in the contract's order."""
    there = {hook.name for hook in shown.hooks}
    return [hook.name for hook in HOOKS if hook.name in there]


def capability(module: str, name: str) -> str | None:
    """Return what a guest must be granted to import this; None for what wasmhost does not offer.

    A component imports whole interfaces; one of which it uses types only has no name here.
    """
    known = abi.IMPORTS.get((module, name))
    return None if known is None else known.capability
