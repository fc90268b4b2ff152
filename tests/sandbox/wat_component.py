"""Components written in text around the guests of `wat`: the same core code, in the other lane.

A component of ours has a libc, which has the memory and the allocator, so that imports can be lowered
before the guest is there; and a guest, which imports both, and the hooks' code in it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tests.sandbox import wat
from wasmhost.contract.hooks import HOOK_BY_NAME, interface_id

if TYPE_CHECKING:
    from collections.abc import Iterable

LEVELS: Final = '"trace" "debug" "info" "warn" "error"'

# Capability, function, and its type as wit/ has it.
TYPES: Final[dict[str, dict[str, str]]] = {
    "log": {"write": '(param "level" $level) (param "message" string)'},
    "panic": {"report": '(param "message" string)'},
    "delivery": dict.fromkeys(("now", "sequence", "lost", "random"), "(result u64)"),
    "config": {"get": '(param "key" string) (result (option string))'},
    "state": {"load": "(result (option (list u8)))", "save": '(param "blob" (list u8))'},
    "metrics": {
        "counter-add": '(param "name" string) (param "by" u64)',
        "gauge-set": '(param "name" string) (param "value" f64)',
    },
    "report": {"send": '(param "topic" string) (param "body" (list u8))'},
}
SYMBOLS: Final = tuple(f"{interface}.{name}" for interface, names in TYPES.items() for name in names)

HOOK_TYPE: Final = '(param "event" (list u8))'
FALLIBLE_TYPE: Final = f"{HOOK_TYPE} (result (result (error string)))"
BUILT_IN: Final = "(memory $memory) (realloc $realloc)"

# What the guest imports of the libc, in place of having them.
_MEMORY: Final = '(import "libc" "memory" (memory 8))'
_REALLOC: Final = '(import "libc" "cabi_realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))'


def component(*parts: str) -> bytes:
    """A component of these parts."""
    return wat.wasm(f"(component {' '.join(parts)})")


def interface(name: str, functions: Iterable[str], *, full: str = "", types: str = "") -> str:
    """Import functions of an interface of ours. ``full``: under another name; ``types``: more items in it."""
    level = f'(type $cases (enum {LEVELS})) (export "level" (type $level (eq $cases)))'
    items = "".join(
        f'(type $f{number} (func {TYPES[name][function]})) (export "{function}" (func (type $f{number})))'
        for number, function in enumerate(functions)
    )
    shape = f"(instance {level if name == 'log' else ''} {types} {items})"
    return f'(import "{full or interface_id(name)}" (instance ${name} {shape[len("(instance") :]})'


def _grouped(symbols: Iterable[str]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for symbol in dict.fromkeys(symbols):
        capability, function = symbol.split(".")
        grouped.setdefault(capability, []).append(function)
    return grouped


def lowered(symbols: Iterable[str], options: str = BUILT_IN) -> str:
    """Import functions by their symbols, and make core functions ``$log.write`` of them."""
    return "".join(
        f'(core func ${capability}.{name} (canon lower (func ${capability} "{name}") {options}))'
        for capability, name in (symbol.split(".") for symbol in symbols)
    )


def _given(symbols: Iterable[str]) -> str:
    """What an instance of a core module is given: the libc, and the lowered imports under their names."""
    given = "".join(
        f'(with "{interface_id(capability)}" (instance '
        + "".join(f'(export "{name}" (func ${capability}.{name}))' for name in names)
        + "))"
        for capability, names in _grouped(symbols).items()
    )
    return f'(with "libc" (instance $libc)) {given}'


def lifted(hook: str, core: str, *, options: str = BUILT_IN, kind: str = "") -> str:
    """Lift a core function to a hook ``$on_start``."""
    kind = kind or (FALLIBLE_TYPE if HOOK_BY_NAME[hook].fallible else HOOK_TYPE)
    return f"(func ${hook} {kind} (canon lift (core func $main {core}) {options}))"


def exported(hooks: Iterable[str], *, version: str = "0.1.0") -> str:
    """Export hooks, each interface whole as far as it goes."""
    interfaces: dict[str, list[str]] = {}
    for hook in hooks:
        interfaces.setdefault(HOOK_BY_NAME[hook].interface, []).append(hook)
    return "".join(
        f"(instance ${name}-out "
        + "".join(f'(export "{hook.replace("_", "-")}" (func ${hook}))' for hook in names)
        + f') (export "{interface_id(name).replace("0.1.0", version)}" (instance ${name}-out))'
        for name, names in interfaces.items()
    )


def around(
    core: str,
    hooks: Iterable[str],
    *,
    use: Iterable[str] = (),
    libc: str = f"(module {wat.MEMORY} {wat.REALLOC})",
    libc_needs: str = "",
    early: str = "",
    before: str = "",
    after: str = "",
    lift: str = BUILT_IN,
) -> bytes:
    """A component around the text of a core module.

    ``before``: parts that stand at its beginning, ``after``: at its end, ``early``: once interfaces are
    imported. ``libc_needs``: what the libc is instantiated with.
    """
    use, hooks = tuple(dict.fromkeys(use)), tuple(hooks)
    named = re.match(r"\(module\s+(\$\S+)?", core)
    name = (named and named[1]) or "$guest"
    return component(
        before,
        "".join(interface(name, functions) for name, functions in _grouped(use).items()),
        early,
        f"(core module $libc {libc.removeprefix('(module')}",
        f"(core instance $libc (instantiate $libc {libc_needs}))",
        '(alias core export $libc "memory" (core memory $memory))',
        '(alias core export $libc "cabi_realloc" (core func $realloc))',
        lowered(use),
        f"(core module {name} {core.removeprefix('(module').lstrip().removeprefix(name)}",
        f"(core instance $main (instantiate {name} {_given(use)}))",
        "".join(lifted(hook, f'"{HOOK_BY_NAME[hook].export}"', options=lift) for hook in hooks),
        exported(hooks),
        after,
    )


def guest(  # every part of a component that a test may want to be different
    body: str = "",
    *,
    use: Iterable[str] = (),
    on: str = wat.HOOK,
    extra: str = "",
    realloc: str = wat.REALLOC,
    memory: str = wat.MEMORY,
    locals_: str = "",
    name: str = "",
    lift: str = BUILT_IN,
    before: str = "",
    after: str = "",
) -> bytes:
    """A component with one hook, whose code is ``body``: `wat.guest`, as a component."""
    parts = (wat.imports(*use), _MEMORY, _REALLOC, extra, wat.hook(on, body, locals_))
    return around(
        f"(module {name} {' '.join(parts)})",
        (on,),
        use=use,
        libc=f"(module {memory} {realloc})",
        lift=lift,
        before=before,
        after=after,
    )


def puppet() -> bytes:
    """The puppet of `wat`, with all that a component may import."""
    core = wat.puppet_text(SYMBOLS, memory=_MEMORY, realloc=_REALLOC)
    return around(core, (wat.HOOK, wat.FALLIBLE), use=SYMBOLS)


def with_section(wasm: bytes, name: str, content: bytes) -> bytes:
    """Put a custom section behind a module or component."""
    body = _vector(name.encode()) + content
    return wasm + b"\0" + _vector(body)


def _vector(data: bytes) -> bytes:
    size, number = b"", len(data)
    while number >= 0x80:
        size, number = size + bytes((number & 0x7F | 0x80,)), number >> 7
    return size + bytes((number,)) + data
