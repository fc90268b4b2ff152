"""What ``wasmhost inspect`` tells of a module: what it shows, and whether a run would let it in."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from wasmhost.contract.hooks import HOOKS
from wasmhost.errors import GuestRefused
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.engine import SandboxEngine
from wasmhost.sandbox.guest import ModuleKind, Surface, compile_core, let_in, module_kind, surface
from wasmhost.sandbox.instance import Sandbox, refused_start

if TYPE_CHECKING:
    from wasmtime import Module

    from wasmhost.config import ObserverConfig

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Description:
    """A module and what became of it. ``reason`` is None where it is accepted.

    ``kind`` and ``surface`` are None where the file did not get that far; ``sha256`` where it is too
    large to be read. ``size`` is in bytes.
    """

    name: str
    sha256: str | None
    size: int
    kind: ModuleKind | None
    surface: Surface | None
    reason: str | None

    def as_json(self) -> dict[str, Any]:
        """Give the keys of ``inspect --json``. The manifest's format is not settled yet: null."""
        shown = self.surface or Surface((), (), None)
        return {
            "name": self.name,
            "sha256": self.sha256,
            "size": self.size,
            "kind": self.kind,
            "hooks": hooks_in_order(shown),
            "imports": [
                {"module": module, "name": name, "capability": capability(module, name)}
                for module, name in shown.imports
            ],
            "memory": None if shown.memory is None else dict(zip(("min", "max"), shown.memory, strict=True)),
            "accepted": self.reason is None,
            "reason": self.reason,
            "manifest": None,
        }


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
    reason: str | None = None
    with suppress(GuestRefused):
        kind = module_kind(wasm, observer.limits.module_mib)
    with SandboxEngine(observer.limits.stack_kib) as engine:
        try:
            module = compile_core(engine, wasm, observer.limits.module_mib)
            shown = surface(module)
            _try_out(engine, module, wasm, observer)
        except GuestRefused as refused:
            reason = str(refused)
    return Description(observer.name, sha256, size, kind, shown, reason)


def _read(observer: ObserverConfig) -> bytes:
    # The same reader as a run's: with it come the same limits and the same words.
    from wasmhost.host.loading import read_module

    return read_module(observer.module, observer.limits.module_mib)


def _try_out(engine: SandboxEngine, module: Module, wasm: bytes, observer: ObserverConfig) -> None:
    """Let it in and start it, as a run does; the sandbox is thrown away before any event.

    :raises GuestRefused: with the reason.
    """
    guest = let_in(engine, module, wasm, observer.limits, grant=observer.grant, hooks=observer.hooks)
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
    """Return what a guest must be granted to import this; None for what wasmhost does not offer."""
    known = abi.IMPORTS.get((module, name))
    return None if known is None else known.capability
