"""``--component``: a component around a core module, for hosts that know nothing but components.

The module goes in as it is. Around it stand, in WebAssembly text that `component_text.py` has the pieces
of: the capabilities it uses as imports; a shim for them, since they need its memory and it needs them; the
answers to WASI, where it imports that; and the interfaces of the hooks it has, whole, as components export
no less. What it has no code for is served by hooks of ours that do nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmtime import WasmtimeError, wat2wasm

from wasmhost.authoring import component_text as text
from wasmhost.authoring.component_wasi import NEEDED, wasi_module
from wasmhost.authoring.toolchains.base import BuildError
from wasmhost.contract.hooks import HOOK_BY_EXPORT
from wasmhost.errors import InternalError
from wasmhost.sandbox.airlock import abi
from wasmhost.sandbox.binary import Unreadable, read_shape
from wasmhost.sandbox.sections import HEADER_BYTES, Section, join, layer, sections
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from wasmhost.contract.hooks import Hook
    from wasmhost.sandbox.airlock.abi import Import
    from wasmhost.sandbox.binary import Shape

_CORE_MODULE: Final = 1


def as_component(wasm: bytes, hooks: tuple[str, ...] | None) -> tuple[bytes, tuple[str, ...] | None]:
    """Make a component of a core module; what is one already stays as it is.

    ``hooks`` are those it really serves, where somebody knows. Gives them too: of the component's exports
    it can no longer be told.

    :raises BuildError: it imports what a component cannot be given.
    """
    if layer(wasm) == "component":
        return wasm, hooks
    try:
        shape = read_shape(wasm)
    except (Unreadable, ValueError) as error:
        raise BuildError(f"the module cannot be made a component: {error}") from None
    served = tuple(hook for name, hook in HOOK_BY_EXPORT.items() if name in shape.exports)
    made = _put_in(_compile(_around(shape, served)), wasm)
    return made, tuple(hook.name for hook in served) if hooks is None else hooks


def _around(shape: Shape, served: tuple[Hook, ...]) -> str:
    """The text of all that goes around the module, with an empty one in its place."""
    if not served or not {"memory", "cabi_realloc"} <= shape.exports.keys():
        raise BuildError("the module cannot be made a component: it lacks hooks, memory or cabi_realloc")
    imports = _imports(shape)
    wasi = [entry for entry in imports if entry.capability == abi.WASI]
    ours = [entry for entry in imports if entry.capability != abi.WASI]
    names = {hook.name for hook in served}
    freed = {hook.name for hook in served if f"cabi_post_{hook.export}" in shape.exports}
    interfaces = dict.fromkeys(hook.interface for hook in served)
    ends = {entry: f"$import-{place}" for place, entry in enumerate(imports)}
    pieces = [
        text.import_instances(dict.fromkeys([*ours, *(NEEDED if wasi else ())])),
        text.shim(imports),
        text.guest_instance(imports),
        text.QUIET,
        _answered(wasi, ends) if wasi else text.allocator("$guest", "cabi_realloc"),
        *(text.lowered(entry, ends[entry]) for entry in ours),
        text.fill(imports, [ends[entry] for entry in imports]),
        _initialized(shape, answered=bool(wasi)),
        text.EVENT_TYPE,
        *(text.exported_interface(name, names, freed) for name in interfaces),
    ]
    return "\n".join(["(component", "(core module $guest-module)", *pieces, ")"])


def _answered(wasi: list[Import], ends: dict[Import, str]) -> str:
    """WASI's functions, which end in capabilities with what lies in the memory that is ours."""
    host = {entry: f"$wasi-{entry.name}" for entry in NEEDED}
    lowered = [text.lowered(entry, name, "(memory $quiet-memory)") for entry, name in host.items()]
    found = [f'(alias core export $wasi "{entry.name}" (core func {ends[entry]}))' for entry in wasi]
    return "\n".join([*lowered, wasi_module(wasi, host), *found, text.allocator("$wasi", "realloc")])


def _initialized(shape: Shape, *, answered: bool) -> str:
    """What is called when the component is instantiated. WASI is told when that is over."""
    start = '$guest "_initialize"' if "_initialize" in shape.exports else ""
    started = '$wasi "started"' if answered else ""
    return text.initialize(start or started, started if start else "") if start or started else ""


def _imports(shape: Shape) -> tuple[Import, ...]:
    """What it imports, each once."""
    found: dict[Import, None] = {}
    for module, name, _ in shape.imports:
        known = abi.IMPORTS.get((module, name))
        if known is None:
            shown = escape_untrusted(f"{module}#{name}", 200)
            raise BuildError(f"the module imports {shown}, which wasmhost does not offer")
        found[known] = None
    return tuple(found)


def _compile(written: str) -> bytes:
    try:
        return bytes(wat2wasm(written))
    except WasmtimeError as error:
        raise InternalError(f"the text around a component is wrong: {error}") from error


def _put_in(around: bytes, guest: bytes) -> bytes:
    """Put the guest where the text has an empty module: its first."""
    parts = list(sections(around))
    place = next(index for index, part in enumerate(parts) if part.kind == _CORE_MODULE)
    parts[place] = Section(_CORE_MODULE, guest)
    return join(around[:HEADER_BYTES], parts)
