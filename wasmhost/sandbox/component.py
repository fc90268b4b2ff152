"""A component, checked before anything of it may run.

A component is a guest whose memory nobody but itself can reach, so the airlock cannot stand beside it. It
is held to the same contract by its types: each of its imports must be a capability's function, spelt as in
wit/, and what it exports as hooks must be hooks. What its imports end in is in `native/imports.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wasmtime.component import (
    F64,
    U8,
    U64,
    ComponentInstanceType,
    EnumType,
    FuncType,
    ListType,
    OptionType,
    ResultType,
    String,
    ValType,
)

from wasmhost.contract.hooks import HOOKS, Hook, interface_id
from wasmhost.errors import GuestRefused
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.binary import Shape, Unreadable, read_shape
from wasmhost.sandbox.native.component_cell import ComponentPlan
from wasmhost.sandbox.native.imports import ImportLinker
from wasmhost.sandbox.native.names import count_names
from wasmhost.sandbox.native.store import StoreLimits
from wasmhost.sandbox.sections import core_modules
from wasmhost.sandbox.surface import Surface, largest
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from wasmtime import Engine
    from wasmtime.component import Component

    from wasmhost.config import Limits
    from wasmhost.grants.given import Given
    from wasmhost.sandbox.native.names import Side

    Signature = tuple[tuple[str, ...], str | None]
    Functions = Mapping[str, Signature | None]

_MIB: Final = 1024 * 1024
_NAME_LIMIT: Final = 128
_MAX_NAMES: Final = 1_000
_MAX_DEPTH: Final = 2  # of option<list<u8>>, the deepest type there is in wit/
_TYPES: Final = "types"  # the interface that has types only; what uses one of them imports it

# componentize-py links some twenty modules into one memory, each with an instance of its own.
_INSTANCES: Final = 200
_TABLES: Final = 20
# The guest's, those of the modules in it and those of what is built around it: JavaScript's has two each.
_MEMORIES: Final = 4

CAPABILITIES: Final[dict[str, dict[str, Signature]]] = {
    "log": {"write": (("enum{trace debug info warn error}", "string"), None)},
    "panic": {"report": (("string",), None)},
    "delivery": dict.fromkeys(("now", "sequence", "lost", "random"), ((), "u64")),
    "config": {"get": (("string",), "option<string>")},
    "state": {"load": ((), "option<list<u8>>"), "save": (("list<u8>",), None)},
    "metrics": {"counter-add": (("string", "u64"), None), "gauge-set": (("string", "f64"), None)},
    "report": {"send": (("string", "list<u8>"), None)},
}
"""What may be imported: parameters and result of each capability's functions, as wit/ declares them."""

_HOOK: Final[Signature] = (("list<u8>",), None)
_FALLIBLE_HOOK: Final[Signature] = (("list<u8>",), "result<_, string>")


@dataclass(frozen=True, slots=True)
class CheckedComponent:
    """The hooks it exports, and the functions it imports of each of our interfaces."""

    hooks: tuple[Hook, ...]
    imports: dict[str, tuple[str, ...]]


def check_component(engine: Engine, component: Component, given: Given) -> CheckedComponent:
    """Hold a component's types to the contract.

    :raises GuestRefused: an import is unknown, not granted or of another type, or a hook is.
    """
    imports: dict[str, tuple[str, ...]] = {}
    for name, functions in _interfaces(engine, component, "imports").items():
        interface = _our_interface(name)
        if interface != _TYPES and interface not in abi.ALWAYS_GRANTED:
            given.check(interface, name)
        if functions is None:
            raise GuestRefused(f"it imports {name}, which must be an interface with functions")
        _check_functions(name, functions, CAPABILITIES.get(interface, {}))
        imports[interface] = tuple(functions)
    exports = _interfaces(engine, component, "exports")
    return CheckedComponent(tuple(hook for hook in HOOKS if _has_hook(exports, hook)), imports)


def plan_component(
    engine: Engine,
    component: Component,
    checked: CheckedComponent,
    hooks: tuple[Hook, ...],
    limits: Limits,
    allocators: frozenset[int],
) -> ComponentPlan:
    """Plan the sandboxes of a component that was checked.

    ``allocators``: where in its binary its allocators begin.
    """
    return ComponentPlan(
        component=component,
        linker=ImportLinker(engine, checked.imports),
        hooks=tuple((interface_id(hook.interface), hook.wit_name, hook.fallible) for hook in hooks),
        allocators=allocators,
        limits=StoreLimits(
            limits.memory_mib * _MIB,
            limits.table_elements,
            instances=_INSTANCES,
            tables=_TABLES,
            memories=_MEMORIES,
        ),
    )


def component_surface(engine: Engine, component: Component, wasm: bytes) -> Surface:
    """What a component shows; memory and tables are those of the core modules in it.

    :raises GuestRefused: it cannot be read.
    """
    imports = _interfaces(engine, component, "imports")
    exports = _interfaces(engine, component, "exports")
    shapes = _core_shapes(wasm)
    return Surface(
        tuple(hook for hook in HOOKS if hook.wit_name in (exports.get(interface_id(hook.interface)) or ())),
        tuple(entry for name, functions in imports.items() for entry in _shown_imports(name, functions)),
        largest(room for shape in shapes for room in shape.memories),
        largest(room for shape in shapes for room in shape.tables),
    )


def _interfaces(engine: Engine, component: Component, side: Side) -> dict[str, Functions | None]:
    """Names of what it imports or exports, each with what can be called in it; None for no interface.

    Types are looked at in interfaces of ours only: a stranger's can be anything.
    """
    kind = component.type
    count = count_names(engine, kind, side)  # first: to list them takes the square of their number
    if count > _MAX_NAMES:
        raise GuestRefused(f"it has {count:,} {side}, more than {_MAX_NAMES:,}")
    found = kind.imports(engine) if side == "imports" else kind.exports(engine)
    return {name: _functions(engine, extern.ty) if _is_ours(name) else {} for name, extern in found.items()}


def _functions(engine: Engine, instance: object) -> Functions | None:
    """All in an interface but its types: functions, and None for what is something else."""
    if not isinstance(instance, ComponentInstanceType):
        return None
    count = count_names(engine, instance, "exports")
    if count > _MAX_NAMES:
        raise GuestRefused(f"one of its interfaces has {count:,} items, more than {_MAX_NAMES:,}")
    types = {name: extern.ty for name, extern in instance.exports(engine).items()}
    return {
        name: _signature(item) if isinstance(item, FuncType) else None
        for name, item in types.items()
        if not isinstance(item, ValType)
    }


def _signature(function: FuncType) -> Signature:
    result = function.result
    return tuple(_spelt(kind) for _, kind in function.params), None if result is None else _spelt(result)


def _spelt(kind: ValType | None, depth: int = 0) -> str:
    """A type as the WIT spells it; of those that the contract has no use for only that it is another.

    That goes for deep ones too: ``result<t, t>`` of a t that is such a result, and so on, has as many
    parts as two to the power of its depth.
    """
    match kind:
        case _ if depth > _MAX_DEPTH:
            return "another type"
        case None:
            return "_"
        case U8() | U64() | F64() | String():
            return type(kind).__name__.lower()
        case ListType():
            return f"list<{_spelt(kind.element, depth + 1)}>"
        case OptionType():
            return f"option<{_spelt(kind.payload, depth + 1)}>"
        case EnumType():
            return "enum{" + " ".join(kind.names[:_MAX_NAMES]) + "}"
        case ResultType():
            return f"result<{_spelt(kind.ok, depth + 1)}, {_spelt(kind.err, depth + 1)}>"
    return "another type"


def _shown_imports(name: str, functions: Collection[str] | None) -> list[tuple[str, str]]:
    """One entry for each function; one for an interface of somebody else's, which was not looked into."""
    if functions is None or not _is_ours(name):
        return [(name, "")]
    return [(name, function) for function in functions]


def _is_ours(name: str) -> bool:
    return name.startswith("wasmhost:observer/")


def _our_interface(name: str) -> str:
    """The short name of an interface that may be imported."""
    for interface in (*CAPABILITIES, _TYPES):
        if name == interface_id(interface):
            return interface
    raise GuestRefused(
        f"it imports {escape_untrusted(name, _NAME_LIMIT)}, which wasmhost does not offer"
        + (": build it with WASI stubbed" if name.startswith("wasi:") else "")
    )


def _check_functions(name: str, functions: Functions, known: Mapping[str, Signature]) -> None:
    for function, signature in functions.items():
        shown = escape_untrusted(f"{name}#{function}", _NAME_LIMIT)
        if function not in known:
            raise GuestRefused(f"it imports {shown}, which wasmhost does not offer")
        _check_signature(f"it imports {shown}", signature, known[function])


def _has_hook(exports: Mapping[str, Functions | None], hook: Hook) -> bool:
    functions = exports.get(interface_id(hook.interface)) or {}
    name = hook.wit_name
    if name not in functions:
        return False
    wanted = _FALLIBLE_HOOK if hook.fallible else _HOOK
    _check_signature(f"it exports {hook.export}", functions[name], wanted)
    return True


def _check_signature(what: str, found: Signature | None, wanted: Signature) -> None:
    if found != wanted:
        words = "something else" if found is None else escape_untrusted(_words(found), _NAME_LIMIT)
        raise GuestRefused(f"{what} as {words}, and it must be {_words(wanted)}")


def _words(signature: Signature) -> str:
    params, result = signature
    return f"({', '.join(params[:16])})" + (f" -> {result}" if result is not None else "")


def _core_shapes(wasm: bytes) -> list[Shape]:
    """What each core module in it shows."""
    try:
        return [read_shape(module) for module in core_modules(wasm)]
    except (Unreadable, ValueError) as error:
        raise GuestRefused(f"the modules in it cannot be read: {error}") from None
