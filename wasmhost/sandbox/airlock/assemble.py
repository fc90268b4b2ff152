"""Fit the airlock to one guest: fill in the WAT templates and compile them to WebAssembly bytes.

What varies is small: which imports the guest uses (the front's trampolines), and which hooks it
exports (the back's dispatch). Everything else is the same text for every guest.
"""

from __future__ import annotations

import functools
import secrets
from dataclasses import dataclass
from importlib import resources
from string import Template
from typing import Final

from wasmtime import wat2wasm

from wasmhost.sandbox.airlock import abi

MODULE_NAME: Final = f"airlock-{secrets.token_hex(8)}"
"""The airlock's name in backtraces. Not to be guessed, so that no guest can sign as the airlock."""

_TEMPLATES: Final = ("front.wat", "back.wat", "wasi.wat", "initialize.wat")


class WatTemplate(Template):
    """Only ``${NAME}`` is a placeholder: ``$name`` is a WAT identifier."""

    pattern = r"\$\{(?P<braced>[A-Z_]+)\}|(?P<escaped>(?!))|(?P<named>(?!))|(?P<invalid>(?!))"  # type: ignore[assignment]  # the stub knows the compiled form only


@dataclass(frozen=True, slots=True)
class GuestHook:
    """A hook as one guest exports it."""

    export: str
    fallible: bool
    has_post_return: bool

    @property
    def post_return(self) -> str:
        """The export that frees the hook's result."""
        return f"cabi_post_{self.export}"


@dataclass(frozen=True, slots=True)
class Fitting:
    """What of a guest the airlock depends on. Guests with equal fittings share one airlock.

    ``imports``: each once, however often the guest imports it (Go's runtime and its standard library
    both import ``fd_write``).
    """

    imports: tuple[abi.Import, ...]
    hooks: tuple[GuestHook, ...]
    has_initialize: bool


@dataclass(frozen=True, slots=True)
class Airlock:
    """The two modules, as WebAssembly bytes."""

    front: bytes
    back: bytes


def assemble(fitting: Fitting) -> Airlock:
    """Make the airlock for guests of this fitting."""
    constants = abi_constants() | {"TABLE_SIZE": str(len(fitting.imports))}
    front = _template("front.wat").substitute(constants, TRAMPOLINES=_trampolines(fitting.imports))
    wasi = any(entry.capability == abi.WASI for entry in fitting.imports)
    back = _template("back.wat").substitute(
        constants,
        GUEST_IMPORTS=_guest_imports(fitting),
        ELEMENTS=_elements(fitting.imports),
        WASI_FUNCTIONS=wasi_functions(fitting.imports, constants) if wasi else "",
        DISPATCH=_dispatch(fitting.hooks),
        INITIALIZE=_template("initialize.wat").substitute(constants) if fitting.has_initialize else "",
    )
    return Airlock(bytes(wat2wasm(front)), bytes(wat2wasm(back)))


def read_templates() -> None:
    """Read the templates now, and keep them: in a process that will have no right to open a file."""
    for name in _TEMPLATES:
        _template(name)


@functools.cache
def _template(name: str) -> WatTemplate:
    return WatTemplate(resources.files("wasmhost.sandbox.airlock").joinpath(name).read_text("utf-8"))


@functools.cache
def abi_constants() -> dict[str, str]:
    """Every whole number of the ABI by its name, the phases as PHASE_…, and what is ours alone."""
    names = {name: str(value) for name, value in vars(abi).items() if isinstance(value, int)}
    phases = {
        f"PHASE_{name}": str(value) for name, value in vars(abi.Phase).items() if isinstance(value, int)
    }
    ours = {
        "MODULE_NAME": f"${MODULE_NAME}",
        "RECORD_BYTES": str(abi.RECORD.size),
        "SHUT": "0",
        "OPEN_INIT": "1",
        "OPEN_ALL": "2",
    }
    return names | phases | ours


def _signature(params: tuple[str, ...], results: tuple[str, ...]) -> str:
    text = f"(param {' '.join(params)})" if params else ""
    return f"{text} (result {' '.join(results)})" if results else text


def _trampolines(imports: tuple[abi.Import, ...]) -> str:
    """One exported function per import, in the imports' order, that calls through the table."""
    lines = []
    for index, entry in enumerate(imports):
        signature = _signature(entry.params, entry.results)
        arguments = " ".join(f"(local.get {i})" for i in range(len(entry.params)))
        lines.append(
            f'  (func ${entry.symbol} (export "{index}") {signature}\n'
            f"    (call_indirect {signature} {arguments} (i32.const {index})))"
        )
    return "\n".join(lines)


def _elements(imports: tuple[abi.Import, ...]) -> str:
    if not imports:
        return ""
    functions = " ".join(f"${entry.symbol}" for entry in imports)
    return f"  (elem (table $table) (i32.const 0) func {functions})"


def _guest_imports(fitting: Fitting) -> str:
    lines = []
    for index, hook in enumerate(fitting.hooks):
        result = " (result i32)" if hook.fallible else ""
        lines.append(f'  (import "guest" "{hook.export}" (func $hook{index} (param i32 i32){result}))')
        if hook.has_post_return:
            param = " (param i32)" if hook.fallible else ""
            lines.append(f'  (import "guest" "{hook.post_return}" (func $post{index}{param}))')
    if fitting.has_initialize:
        lines.append('  (import "guest" "_initialize" (func $guest_initialize))')
    return "\n".join(lines)


def _dispatch(hooks: tuple[GuestHook, ...]) -> str:
    """A br_table over IN_HOOK: the blocks nest, so that leaving block n lands on the case of hook n."""
    labels = " ".join(f"$at{index}" for index in range(len(hooks)))
    lines = [
        "  (func $dispatch (param $event i32) (param $length i32)",
        "    (local $result i32)",
        "    (block $none",
    ]
    lines += [f"    (block $at{index}" for index in reversed(range(len(hooks)))]
    lines.append(f"    (br_table {labels} $none (i32.load $box (i32.const {abi.IN_HOOK})))")
    for index, hook in enumerate(hooks):
        lines += ["    )", *_case(index, hook), "    (return)"]
    lines += ["    )", "    (unreachable))"]
    return "\n".join(lines)


def _case(index: int, hook: GuestHook) -> list[str]:
    call = f"(call $hook{index} (local.get $event) (local.get $length))"
    lines = [f"    {call}"]
    if hook.fallible:
        lines = [f"    (local.set $result {call})", "    (global.set $open (i32.const 0))"]
        lines.append("    (call $lift_result (local.get $result))")
    if hook.has_post_return:
        lines += [
            "    (global.set $open (i32.const 0))",
            f"    (i32.store $box (i32.const {abi.OUT_PHASE}) (i32.const {abi.Phase.POST}))",
            f"    (call $post{index}{' (local.get $result)' if hook.fallible else ''})",
        ]
    return lines


def wasi_functions(imports: tuple[abi.Import, ...], constants: dict[str, str]) -> str:
    """What wasi.wat answers, and an errno for each other function that this guest imports."""
    lines = [_template("wasi.wat").substitute(constants)]
    for entry in imports:
        if entry.capability != abi.WASI or entry.name in abi.WASI_ANSWERED:
            continue
        errno = abi.ERRNO_BADF if entry.name.startswith("fd_") else abi.ERRNO_NOSYS
        lines.append(
            f"  (func ${entry.symbol} {_signature(entry.params, entry.results)}\n"
            f"    (call $guard_open) (i32.const {errno}))"
        )
    return "\n".join(lines)
