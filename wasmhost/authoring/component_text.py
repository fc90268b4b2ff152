"""The text of a component around a core module, piece by piece; `component.py` says how they fit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.contract.hooks import HOOKS, Hook, interface_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from wasmhost.sandbox.airlock.abi import Import

_FUNCTIONS: Final[dict[tuple[str, str], str]] = {
    ("log", "write"): '(param "level" $level) (param "message" string)',
    ("panic", "report"): '(param "message" string)',
    ("delivery", "now"): "(result u64)",
    ("delivery", "sequence"): "(result u64)",
    ("delivery", "lost"): "(result u64)",
    ("delivery", "random"): "(result u64)",
    ("config", "get"): '(param "key" string) (result (option string))',
    ("state", "load"): "(result (option (list u8)))",
    ("state", "save"): '(param "blob" (list u8))',
    ("metrics", "counter-add"): '(param "name" string) (param "by" u64)',
    ("metrics", "gauge-set"): '(param "name" string) (param "value" f64)',
    ("report", "send"): '(param "topic" string) (param "body" (list u8))',
}
"""The functions of the capabilities, as `wit/capabilities.wit` has them."""
_TYPES: Final = {
    "log": '(type $levels (enum "trace" "debug" "info" "warn" "error")) '
    '(export "level" (type $level (eq $levels)))'
}
EVENT_TYPE: Final = "(type $event (list u8))"
_EVENT: Final = '(param "event" $event)'
_RESULT: Final = "(result (result (error string)))"


def import_instances(imports: Iterable[Import]) -> str:
    """Import each capability, with the functions of it that are used and no others."""
    functions: dict[str, list[str]] = {}
    for entry in imports:
        kind = _FUNCTIONS[entry.capability, entry.name]
        functions.setdefault(entry.capability, []).append(f'(export "{entry.name}" (func {kind}))')
    return "\n".join(
        f'(import "{interface_id(name)}" (instance ${name} {_TYPES.get(name, "")} {" ".join(exports)}))'
        for name, exports in functions.items()
    )


def shim(imports: Sequence[Import]) -> str:
    """What the guest is given for its imports: calls through a table that is filled in later.

    Later, because what an import ends in needs the guest's memory, and so the guest.
    """
    lines = ["(core module $shim-module", f'  (table (export "table") {len(imports)} funcref)']
    for index, entry in enumerate(imports):
        kind = signature(entry)
        arguments = " ".join(f"(local.get {place})" for place in range(len(entry.params)))
        lines.append(f'  (func (export "{index}") {kind}')
        lines.append(f"    (call_indirect {kind} {arguments} (i32.const {index})))")
    return "\n".join([*lines, ")", "(core instance $shim (instantiate $shim-module))"])


def fill(imports: Sequence[Import], functions: Sequence[str]) -> str:
    """Fill the shim's table with what the imports end in: ``functions``, by their names in the text."""
    places = range(len(imports))
    lines = [
        "(core module $fill-module",
        f'  (import "" "table" (table {len(imports)} funcref))',
        *(f'  (import "" "{place}" (func {signature(imports[place])}))' for place in places),
        f"  (elem (i32.const 0) func {' '.join(map(str, places))}))",
        '(core instance (instantiate $fill-module (with "" (instance',
        '  (export "table" (table $shim "table"))',
        *(f'  (export "{place}" (func {functions[place]}))' for place in places),
        "))))",
    ]
    return "\n".join(lines)


def guest_instance(imports: Sequence[Import]) -> str:
    """The guest, given the shim; of it, its memory."""
    given: dict[str, list[str]] = {}
    for index, entry in enumerate(imports):
        given.setdefault(entry.module, []).append(f'(export "{entry.name}" (func $shim "{index}"))')
    arguments = [f'(with "{module}" (instance {" ".join(exports)}))' for module, exports in given.items()]
    return "\n".join(
        [
            f"(core instance $guest (instantiate $guest-module {' '.join(arguments)}))",
            '(alias core export $guest "memory" (core memory $memory))',
        ]
    )


def allocator(instance: str, name: str) -> str:
    """What allocates in the guest's memory for the host."""
    return f'(alias core export {instance} "{name}" (core func $realloc))'


def lowered(entry: Import, name: str, options: str = "(memory $memory) (realloc $realloc)") -> str:
    """A capability's function as core code calls it; by default the guest's."""
    return f'(core func {name} (canon lower (func ${entry.capability} "{entry.name}") {options}))'


def initialize(first: str, then: str = "") -> str:
    """Call functions when the component is instantiated: once the guest's imports lead somewhere."""
    calls = [name for name in (first, then) if name]
    places = range(len(calls))
    return "\n".join(
        [
            "(core module $initialize-module",
            *(f'  (import "" "{place}" (func ${place}))' for place in places),
            f"  (func $all {' '.join(f'(call ${place})' for place in places)})",
            "  (start $all))",
            '(core instance (instantiate $initialize-module (with "" (instance',
            *(f'  (export "{place}" (func {calls[place]}))' for place in places),
            "))))",
        ]
    )


QUIET: Final = """(core module $quiet-module
  ;; 0 to 11 stay zero: a result<_, string> that is ok. Events are put in from the second page on, each
  ;; where the one before it was: nothing is ever kept.
  (memory (export "memory") 1)
  (func (export "realloc") (param i32 i32 i32 i32) (result i32)
    (local $short i32)
    (local.set $short
      (i32.sub
        (i32.wrap_i64 (i64.shr_u
          (i64.add (i64.extend_i32_u (local.get 3)) (i64.const 131071)) (i64.const 16)))
        (memory.size)))
    (if (i32.gt_s (local.get $short) (i32.const 0))
      (then (if (i32.eq (memory.grow (local.get $short)) (i32.const -1)) (then unreachable))))
    (i32.const 65536))
  (func (export "void") (param i32 i32))
  (func (export "ok") (param i32 i32) (result i32) (i32.const 0)))
(core instance $quiet (instantiate $quiet-module))
(alias core export $quiet "memory" (core memory $quiet-memory))
(alias core export $quiet "realloc" (core func $quiet-realloc))"""
"""Hooks that do nothing, with a memory of their own: an event that nobody wants never gets to the guest,
which would have to free it."""


def exported_interface(name: str, served: set[str], post_returns: set[str]) -> str:
    """Export a whole interface: the hooks that are ``served`` by the guest, the others by doing nothing."""
    hooks = [hook for hook in HOOKS if hook.interface == name]
    lines = [_lifted(hook, hook.name in served, hook.name in post_returns) for hook in hooks]
    # The types that the WIT's interface uses: other hosts look for them by their names.
    types = dict.fromkeys("event" if hook.payload is None else f"{hook.payload}-cbor" for hook in hooks)
    exports = [f'(export "{kind}" (type $event))' for kind in types]
    exports += [f'(export "{hook.wit_name}" (func ${hook.name}))' for hook in hooks]
    instance = f'(export "{interface_id(name)}" (instance ${name}-hooks))'
    return "\n".join([*lines, f"(instance ${name}-hooks {' '.join(exports)})", instance])


def _lifted(hook: Hook, served: bool, post_return: bool) -> str:
    kind = f"{_EVENT} {_RESULT}" if hook.fallible else _EVENT
    if not served:
        does = "ok" if hook.fallible else "void"
        options = "(memory $quiet-memory) (realloc $quiet-realloc)"
        return f'(func ${hook.name} {kind} (canon lift (core func $quiet "{does}") {options}))'
    options = "(memory $memory) (realloc $realloc)"
    if post_return:
        options += f' (post-return (core func $guest "cabi_post_{hook.export}"))'
    return f'(func ${hook.name} {kind} (canon lift (core func $guest "{hook.export}") {options}))'


def signature(entry: Import) -> str:
    """The core type of an import."""
    params = f"(param {' '.join(entry.params)})" if entry.params else ""
    return f"{params} (result {' '.join(entry.results)})" if entry.results else params
