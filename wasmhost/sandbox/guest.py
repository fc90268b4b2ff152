"""Read, check and describe a guest before anything of it may run.

What is refused is refused with a reason that names the thing and what to do. How a core module is checked
says `core.py`, how a component is, `component.py`; here is what they have in common.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wasmtime import Module, WasmtimeError

from wasmhost.contract.manifest import SECTION, Manifest, ManifestError, decode_manifest
from wasmhost.errors import GuestRefused
from wasmhost.grants.given import Given, decide
from wasmhost.sandbox.allocators import allocator_places
from wasmhost.sandbox.caps import check_caps
from wasmhost.sandbox.compiling import Artifact, Bounds, ModuleKind, reason_of
from wasmhost.sandbox.component import check_component, component_surface, plan_component
from wasmhost.sandbox.core import check_hooks, check_imports, core_shape, core_surface, fit_core
from wasmhost.sandbox.mangled import blunted
from wasmhost.sandbox.sections import (
    TooMuch,
    all_places,
    custom_sections,
    layer,
    without_custom_sections,
)
from wasmhost.sandbox.unwrapping import airlock_module
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from wasmtime.component import Component

    from wasmhost.config import Limits
    from wasmhost.contract.hooks import Hook
    from wasmhost.sandbox.compiling import Compiler
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.native.cell import Plan
    from wasmhost.sandbox.native.component_cell import ComponentPlan
    from wasmhost.sandbox.surface import Surface

    Compiled = Module | Component

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Guest:
    """A module that was let in: checked, compiled, and fitted with what its imports end in.

    ``hooks`` are those the host may deliver: ``hooks[i].name`` is delivered as index i. ``given`` is
    what it is given of what it asks for.
    """

    sha256: str
    size: int
    hooks: tuple[Hook, ...]
    plan: Plan | ComponentPlan
    given: Given
    manifest: Manifest | None = None

    def hook_index(self) -> dict[str, int]:
        """The index of each hook, by name."""
        return {hook.name: index for index, hook in enumerate(self.hooks)}


def module_kind(wasm: bytes, limit_mib: int) -> ModuleKind:
    """Tell a core module from a component by the binary's first eight bytes.

    :raises GuestRefused: too large, or no WebAssembly binary at all. Text is refused here too: the
        engine would take it.
    """
    if len(wasm) > limit_mib * _MIB:
        raise GuestRefused(f"it is {len(wasm):,} bytes, more than module_mib = {limit_mib} allows")
    if not wasm:
        raise GuestRefused("it is empty")
    if wasm[:4] != b"\0asm":
        start = escape_untrusted(wasm[:12].decode("latin-1"), 40)
        raise GuestRefused(f'it is no WebAssembly binary: it starts with "{start}"')
    kind = layer(wasm)
    if kind is None:
        version = wasm[4:8].hex() or "none"
        raise GuestRefused(f"it is cut short, or of an unknown version of WebAssembly ({version})")
    return kind


def load_guest(
    engine: SandboxEngine,
    wasm: bytes,
    limits: Limits,
    *,
    grant: Collection[str],
    hooks: Collection[str] | None = None,
) -> Guest:
    """Compile a module, and let it in; see `compile_guest` and `let_in`.

    :raises GuestRefused: with the reason.
    """
    compiled = compile_guest(engine, wasm, limits)
    return let_in(engine, compiled, wasm, limits, grant=grant, hooks=hooks)


def compile_guest(engine: SandboxEngine, wasm: bytes, limits: Limits) -> Compiled:
    """Compile a core module or a component; of a component that only wraps a core module, that module.

    Its manifest is left out: there is no code in it, and so what a build tried out before it wrote one need
    not be compiled again.

    :raises GuestRefused: it is neither, or does not compile.
    """
    code = _code(wasm, limits.module_mib)
    compile_one = engine.compile if layer(code) == "core" else engine.compile_component
    with _refused():
        return compile_one(code, _bounds(limits))


def artifact_of(compiler: Compiler, wasm: bytes, limits: Limits) -> Artifact:
    """What `compile_guest` would run, as bytes: there need be no engine in this process.

    `SandboxEngine.adopt` takes it over where the guest is to run.

    :raises GuestRefused: as `compile_guest`.
    """
    code = _code(wasm, limits.module_mib)
    with _refused():
        if layer(code) == "core":
            return compiler.artifact("core", code, _bounds(limits))
        return compiler.artifact("component", blunted(code), _bounds(limits))


def was_compiled(compiler: Compiler, wasm: bytes, limits: Limits) -> bool:
    """Whether what `compile_guest` would compile is kept from before, so that it takes no time now.

    :raises GuestRefused: it would compile nothing.
    """
    code = _code(wasm, limits.module_mib)
    with _refused():
        return compiler.knows(code if layer(code) == "core" else blunted(code))


def let_in(
    engine: SandboxEngine,
    compiled: Compiled,
    wasm: bytes,
    limits: Limits,
    *,
    grant: Collection[str],
    hooks: Collection[str] | None = None,
) -> Guest:
    """Check what was compiled from ``wasm``, and fit what its imports end in.

    ``grant``: the capabilities and fields that the operator grants; ``hooks``: those it may hear, None
    for all it has.

    :raises GuestRefused: with the reason.
    """
    manifest = read_manifest(wasm)
    given = decide(manifest, grant)
    plan: Plan | ComponentPlan
    if isinstance(compiled, Module):
        shape = core_shape(compiled, airlock_module(wasm) or wasm)
        imports = check_imports(shape, given)
        heard = _heard(check_hooks(shape.exports), manifest, hooks)
        plan = fit_core(engine, compiled, shape, imports, heard, limits)
    else:
        checked = check_component(engine.engine, compiled, given)
        heard = _heard(checked.hooks, manifest, hooks)
        places = allocator_places(wasm)
        plan = plan_component(engine.engine, compiled, checked, heard, limits, places)
    return Guest(hashlib.sha256(wasm).hexdigest(), len(wasm), heard, plan, given, manifest)


def surface(engine: SandboxEngine, compiled: Compiled, wasm: bytes) -> Surface:
    """What a compiled guest shows, checked against nothing.

    :raises GuestRefused: it cannot be read.
    """
    if isinstance(compiled, Module):
        return core_surface(core_shape(compiled, airlock_module(wasm) or wasm))
    return component_surface(engine.engine, compiled, wasm)


def read_manifest(wasm: bytes) -> Manifest | None:
    """What a module says of itself; None where it says nothing.

    :raises GuestRefused: it says it twice, or in a way that the contract does not know.
    """
    try:
        found = custom_sections(wasm, SECTION)
        if len(found) > 1:
            raise ManifestError(f"there are {len(found)} of it")
        return decode_manifest(found[0]) if found else None
    except ValueError as error:
        raise GuestRefused(f"its manifest cannot be read: {escape_untrusted(str(error), 200)}") from None


def _code(wasm: bytes, limit_mib: int) -> bytes:
    """What of a guest is compiled: a core module, or a component."""
    module_kind(wasm, limit_mib)
    try:
        for _ in all_places(wasm):  # counts them
            pass
        check_caps(wasm)
        wasm = without_custom_sections(wasm, SECTION)
    except TooMuch as error:
        raise GuestRefused(str(error)) from None
    except ValueError:
        return wasm  # its sections make no sense, and the engine will say so
    return airlock_module(wasm) or wasm


def _heard(
    exported: tuple[Hook, ...], manifest: Manifest | None, wanted: Collection[str] | None
) -> tuple[Hook, ...]:
    """Which of the hooks it exports it is given: those its manifest has, and the operator lets it hear."""
    if not exported:
        raise GuestRefused("it exports no hook: none of its exports is named like wasmhost:observer/…#on-…")
    served = exported
    if manifest is not None:
        strange = set(manifest.hooks) - {hook.name for hook in exported}
        if strange:
            raise GuestRefused(f"its manifest names {min(strange)}, which it does not export")
        served = tuple(hook for hook in exported if hook.name in manifest.hooks)
        if not served:
            raise GuestRefused("its manifest names no hook: it would never be called")
    heard = tuple(hook for hook in served if wanted is None or hook.name in wanted)
    if not heard:
        names = ", ".join(hook.name for hook in served)
        raise GuestRefused(f"it exports {names}, and none of them is in the observer's hooks")
    return heard


@contextmanager
def _refused() -> Iterator[None]:
    """What compiling raises, as the reason to refuse a guest."""
    try:
        yield
    except TooMuch as error:
        raise GuestRefused(str(error)) from None
    except WasmtimeError as error:
        raise GuestRefused(f"it does not compile: {reason_of(error)}") from None


def _bounds(limits: Limits) -> Bounds:
    return Bounds(limits.compile_s, limits.compile_mib)
