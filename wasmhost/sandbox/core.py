"""A core module, checked before anything of it may run, and fitted with its airlock.

What is let in has been checked against the tables of hooks and imports, so that a sandbox of it can be
made without looking.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.contract.hooks import HOOK_BY_EXPORT, Hook
from wasmhost.errors import GuestRefused
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.airlock.assemble import Fitting, GuestHook
from wasmhost.sandbox.binary import External, Shape, Signature, Unreadable, read_shape
from wasmhost.sandbox.native.cell import Plan
from wasmhost.sandbox.native.store import StoreLimits
from wasmhost.sandbox.surface import Surface, largest
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from wasmtime import Module

    from wasmhost.config import Limits
    from wasmhost.grants.given import Given
    from wasmhost.sandbox.engine import SandboxEngine

_MIB: Final = 1024 * 1024
_NAME_LIMIT: Final = 128
_MAX_IMPORTS: Final = 1_000  # the same function may be imported many times; each costs every new sandbox


def core_surface(shape: Shape) -> Surface:
    """What a core module shows."""
    return Surface(
        tuple(hook for name, hook in HOOK_BY_EXPORT.items() if name in shape.exports),
        tuple((module, name) for module, name, _ in shape.imports),
        largest(shape.memories),
        largest(shape.tables),
    )


def fit_core(
    engine: SandboxEngine,
    module: Module,
    shape: Shape,
    imports: tuple[abi.Import, ...],
    hooks: tuple[Hook, ...],
    limits: Limits,
) -> Plan:
    """Fit the airlock to a module of which imports and hooks were checked, and plan its sandboxes.

    :raises GuestRefused: its allocator, or what else the airlock calls, is missing or of another type.
    """
    _check_allocator(shape.exports)
    fits = tuple(_fit(hook, shape.exports) for hook in hooks)
    fitting = Fitting(_distinct(imports), fits, _has_initialize(shape.exports))
    front, back = engine.airlock(fitting)
    return Plan(
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


def core_shape(module: Module, wasm: bytes) -> Shape:
    """What it imports and exports; our own reading, held against the engine's.

    :raises GuestRefused: the two differ.
    """
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


def check_imports(shape: Shape, given: Given) -> tuple[abi.Import, ...]:
    """What each of its imports is, in its own order.

    :raises GuestRefused: one is unknown, not granted, or of another type.
    """
    count = len(shape.imports)
    if count > _MAX_IMPORTS:
        raise GuestRefused(f"it has {count:,} imports, more than {_MAX_IMPORTS:,}")
    return tuple(_check_import(*entry, given) for entry in shape.imports)


def _distinct(imports: tuple[abi.Import, ...]) -> tuple[abi.Import, ...]:
    """Each import once, in the table's order, so that guests with the same ones share an airlock."""
    used = frozenset(imports)
    return tuple(entry for entry in abi.IMPORTS.values() if entry in used)


def _check_import(module: str, name: str, found: External, given: Given) -> abi.Import:
    shown = escape_untrusted(f"{module}#{name}", _NAME_LIMIT)
    known = abi.IMPORTS.get((module, name))
    if known is None:
        raise GuestRefused(f"it imports {shown}, which wasmhost does not offer")
    if known.capability not in abi.ALWAYS_GRANTED:
        given.check(known.capability, shown)
    _check_signature(f"it imports {shown}", found, (known.params, known.results))
    return known


def check_hooks(exports: dict[str, External]) -> tuple[Hook, ...]:
    """The hooks it exports, in the contract's order.

    :raises GuestRefused: one is of another type.
    """
    exported = tuple(hook for name, hook in HOOK_BY_EXPORT.items() if name in exports)
    for hook in exported:
        result = ("i32",) if hook.fallible else ()
        _check_signature(f"it exports {hook.export}", exports[hook.export], (abi.HOOK_PARAMS, result))
    return exported


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
