"""Read, check and describe a module before anything of it may run.

What is refused is refused with a reason that names the thing and what to do; what is let in has been
checked against the tables of hooks and imports, so that a sandbox of it can be made without looking.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from wasmtime import MemoryType, WasmtimeError

from wasmhost.contract.hooks import HOOK_BY_EXPORT, Hook
from wasmhost.errors import GuestRefused
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.airlock.assemble import Fitting, GuestHook
from wasmhost.sandbox.binary import External, Shape, Signature, Unreadable, read_shape
from wasmhost.sandbox.native.cell import Plan, StoreLimits
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Collection

    from wasmtime import Module

    from wasmhost.config import Limits
    from wasmhost.sandbox.engine import SandboxEngine

_MAGIC: Final = b"\0asm"
_CORE_LAYER: Final = b"\x01\0\0\0"
_COMPONENT_LAYER: Final = b"\x01\0"
_MIB: Final = 1024 * 1024
_NAME_LIMIT: Final = 128
_REASON_LIMIT: Final = 400
_MAX_IMPORTS: Final = 1_000  # the same function may be imported many times; each costs every new sandbox

ModuleKind = Literal["core", "component"]


@dataclass(frozen=True, slots=True)
class Surface:
    """What a core module shows to the outside, read from the compiled module."""

    hooks: tuple[Hook, ...]
    imports: tuple[tuple[str, str], ...]
    memory: tuple[int, int | None] | None
    """Pages the exported memory starts with, and may grow to."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A module that was let in: checked, compiled, and fitted with its airlock.

    ``hooks`` are those the host may deliver, in the airlock's order: ``hooks[i].name`` is delivered
    as index i.
    """

    sha256: str
    size: int
    hooks: tuple[Hook, ...]
    plan: Plan

    def hook_index(self) -> dict[str, int]:
        """The airlock's index of each hook, by name."""
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
    if wasm[:4] != _MAGIC:
        start = escape_untrusted(wasm[:12].decode("latin-1"), 40)
        raise GuestRefused(f'it is no WebAssembly binary: it starts with "{start}"')
    if wasm[4:8] == _CORE_LAYER:
        return "core"
    if wasm[6:8] == _COMPONENT_LAYER:
        return "component"
    raise GuestRefused(
        f"it is cut short, or of an unknown version of WebAssembly ({wasm[4:8].hex() or 'none'})"
    )


def load_guest(
    engine: SandboxEngine,
    wasm: bytes,
    limits: Limits,
    *,
    grant: Collection[str],
    hooks: Collection[str] | None = None,
) -> Guest:
    """Compile a core module, and let it in; see `compile_core` and `let_in`.

    :raises GuestRefused: with the reason.
    """
    module = compile_core(engine, wasm, limits.module_mib)
    return let_in(engine, module, wasm, limits, grant=grant, hooks=hooks)


def let_in(
    engine: SandboxEngine,
    module: Module,
    wasm: bytes,
    limits: Limits,
    *,
    grant: Collection[str],
    hooks: Collection[str] | None = None,
) -> Guest:
    """Check a module that was compiled from ``wasm``, and fit its airlock.

    ``grant``: the capabilities the operator gives; ``hooks``: those it may hear, None for all it has.

    :raises GuestRefused: with the reason.
    """
    shape = _shape(module, wasm)
    imports = _check_imports(shape, grant)
    heard = _check_hooks(shape.exports, hooks)
    _check_allocator(shape.exports)
    fits = tuple(_fit(hook, shape.exports) for hook in heard)
    fitting = Fitting(_distinct(imports), fits, _has_initialize(shape.exports))
    front, back = engine.airlock(fitting)
    plan = Plan(
        front=front,
        guest=module,
        back=back,
        trampolines=len(fitting.imports),
        guest_needs=tuple(map(fitting.imports.index, imports)),
        back_needs=_back_needs(fitting),
        has_initialize=fitting.has_initialize,
        # The engine's limit is for every table of the store, and one of them is the airlock's.
        limits=StoreLimits(limits.memory_mib * _MIB, max(limits.table_elements, len(fitting.imports))),
    )
    return Guest(hashlib.sha256(wasm).hexdigest(), len(wasm), heard, plan)


def compile_core(engine: SandboxEngine, wasm: bytes, limit_mib: int) -> Module:
    """Compile what is a core module.

    :raises GuestRefused: it is none, is a component, or does not compile.
    """
    if module_kind(wasm, limit_mib) == "component":
        raise GuestRefused("it is a component, and this version of wasmhost runs core modules only")
    try:
        return engine.compile(wasm)
    except WasmtimeError as error:
        raise GuestRefused(f"it does not compile: {_reason(error)}") from None


def surface(module: Module) -> Surface:
    """What a compiled core module shows, checked against nothing."""
    exports = module.exports
    memory = next((e.type for e in exports if e.name == "memory" and isinstance(e.type, MemoryType)), None)
    return Surface(
        tuple(HOOK_BY_EXPORT[export.name] for export in exports if export.name in HOOK_BY_EXPORT),
        tuple((entry.module, entry.name or "") for entry in module.imports),
        (memory.limits.min, memory.limits.max) if memory is not None else None,
    )


def _shape(module: Module, wasm: bytes) -> Shape:
    """What it imports and exports; our own reading, held against the engine's."""
    try:
        shape = read_shape(wasm)
    except Unreadable as error:
        raise GuestRefused(f"its imports and exports cannot be read: {error}") from None
    imports = [(module_name, name) for module_name, name, _ in shape.imports]
    if imports != [(e.module, e.name or "") for e in module.imports] or set(shape.exports) != {
        e.name for e in module.exports
    }:
        raise GuestRefused("its imports and exports cannot be read: the engine reads others than wasmhost")
    return shape


def _check_imports(shape: Shape, grant: Collection[str]) -> tuple[abi.Import, ...]:
    count = len(shape.imports)
    if count > _MAX_IMPORTS:
        raise GuestRefused(f"it has {count:,} imports, more than {_MAX_IMPORTS:,}")
    return tuple(_check_import(*entry, grant) for entry in shape.imports)


def _distinct(imports: tuple[abi.Import, ...]) -> tuple[abi.Import, ...]:
    """Each import once, in the table's order, so that guests with the same ones share an airlock."""
    used = frozenset(imports)
    return tuple(entry for entry in abi.IMPORTS.values() if entry in used)


def _check_import(module: str, name: str, found: External, grant: Collection[str]) -> abi.Import:
    shown = escape_untrusted(f"{module}#{name}", _NAME_LIMIT)
    known = abi.IMPORTS.get((module, name))
    if known is None:
        raise GuestRefused(f"it imports {shown}, which wasmhost does not offer")
    if known.capability not in grant and known.capability not in abi.ALWAYS_GRANTED:
        raise GuestRefused(
            f'it imports {shown}, and "{known.capability}" is not granted: add it to the observer\'s grant'
        )
    _check_signature(f"it imports {shown}", found, (known.params, known.results))
    return known


def _check_hooks(exports: dict[str, External], wanted: Collection[str] | None) -> tuple[Hook, ...]:
    exported = [hook for name, hook in HOOK_BY_EXPORT.items() if name in exports]
    if not exported:
        raise GuestRefused("it exports no hook: none of its exports is named like wasmhost:observer/…#on-…")
    for hook in exported:
        result = ("i32",) if hook.fallible else ()
        _check_signature(f"it exports {hook.export}", exports[hook.export], (abi.HOOK_PARAMS, result))
    heard = tuple(hook for hook in exported if wanted is None or hook.name in wanted)
    if not heard:
        names = ", ".join(hook.name for hook in exported)
        raise GuestRefused(f"it exports {names}, and none of them is in the observer's hooks")
    return heard


def _check_allocator(exports: dict[str, External]) -> None:
    if "memory" not in exports or exports["memory"].kind != "memory":
        raise GuestRefused('it exports no memory named "memory", which its hooks need to be given events')
    if "cabi_realloc" not in exports:
        raise GuestRefused("it exports no cabi_realloc, which its hooks need to be given events")
    signature = (abi.REALLOC_PARAMS, ("i32",))
    _check_signature("it exports cabi_realloc", exports["cabi_realloc"], signature)


def _fit(hook: Hook, exports: dict[str, External]) -> GuestHook:
    fitted = GuestHook(hook.export, hook.fallible, has_post_return=False)
    if fitted.post_return not in exports:
        return fitted
    params = ("i32",) if hook.fallible else ()
    _check_signature(f"it exports {fitted.post_return}", exports[fitted.post_return], (params, ()))
    return GuestHook(hook.export, hook.fallible, has_post_return=True)


def _has_initialize(exports: dict[str, External]) -> bool:
    if "_initialize" not in exports:
        return False
    _check_signature("it exports _initialize", exports["_initialize"], ((), ()))
    return True


def _back_needs(fitting: Fitting) -> tuple[str, ...]:
    """The guest's exports in the order of the imports in back.wat."""
    names = ["memory", "cabi_realloc"]
    for hook in fitting.hooks:
        names.append(hook.export)
        if hook.has_post_return:
            names.append(hook.post_return)
    return (*names, "_initialize") if fitting.has_initialize else tuple(names)


def _check_signature(what: str, found: External, wanted: Signature) -> None:
    if found.signature is None:
        raise GuestRefused(f"{what}, which must be a function")
    if found.signature != wanted:
        raise GuestRefused(f"{what} as {_words(found.signature)}, and it must be {_words(wanted)}")


def _words(signature: Signature) -> str:
    params, results = (" ".join(types[:16]) for types in signature)
    return f"({params}) -> ({results})"


def _reason(error: WasmtimeError) -> str:
    """The engine's reason on one line: its causes, without its backtrace."""
    text = str(error)[: 4 * _REASON_LIMIT]
    lines = (line.strip() for line in text.splitlines())
    return escape_untrusted(" ".join(line for line in lines if line), _REASON_LIMIT)
