"""Components of a runtime that cannot do with ``wasmhost:observer`` as it is, wrapped in what the host sees.

Such a runtime's component imports interfaces of the SDK's own in place of some of the host's. The folder
``component`` of the SDK has them in WIT; and, for each interface that may be imported, a fragment of the
wrapper: it imports the host's, and defines the instance that the component inside is given. One of all
fragments is a room, the memory of those that need one.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from wasmtime import WasmtimeError, wat2wasm

from wasmhost.authoring.resources import wit_folder
from wasmhost.authoring.toolchains.base import BuildError
from wasmhost.contract.hooks import interface_id
from wasmhost.sandbox.sections import HEADER_BYTES, Section, join, sections

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

WORLD: Final = "observer"
"""The name of the world that `write_wit` writes."""

_FRAGMENTS: Final = "component"
_TYPES: Final = interface_id("types")
_ALWAYS: Final = ("types", "room")
_COMPONENT_SECTION: Final = 4


def write_wit(sdk: Path, folder: Path, imports: Iterable[str], exports: Iterable[str]) -> Path:
    """Write the world of the component inside: the interfaces it imports and exports, by their full names."""
    shutil.copytree(wit_folder(), folder / "deps" / "observer", ignore=shutil.ignore_patterns("*.cddl"))
    (folder / "deps" / "sdk").mkdir()
    for path in (sdk / _FRAGMENTS).glob("*.wit"):
        shutil.copy(path, folder / "deps" / "sdk")
    wanted = [f"  import {name};" for name in imports]
    offered = [f"  export {name};" for name in exports]
    world = ["package wasmhost:component@0.1.0;", f"world {WORLD} {{", *wanted, *offered, "}", ""]
    (folder / "world.wit").write_text("\n".join(world), encoding="utf-8")
    return folder


def wrap(sdk: Path, inner: bytes, imports: Iterable[str], exports: Iterable[str]) -> bytes:
    """Put a component, made for the world of these, into the one that the host sees."""
    try:
        wrapper = bytes(wat2wasm(_wrapper_text(sdk, imports, exports)))
    except WasmtimeError as error:
        raise BuildError("the SDK cannot wrap the component", str(error)) from error
    parts = [
        Section(_COMPONENT_SECTION, inner) if part.kind == _COMPONENT_SECTION else part
        for part in sections(wrapper)
    ]
    return join(wrapper[:HEADER_BYTES], parts)


def _wrapper_text(sdk: Path, imports: Iterable[str], exports: Iterable[str]) -> str:
    """A fragment for each import; the component inside is an empty one here, and the only one."""
    given = {_TYPES: "types"} | {name: name.split("/")[1].split("@")[0] for name in imports}
    fragments = dict.fromkeys([*_ALWAYS, *given.values()])
    texts = [(sdk / _FRAGMENTS / f"{name}.wat").read_text("utf-8") for name in fragments]
    instances = [f'(with "{name}" (instance ${fragment}))' for name, fragment in given.items()]
    inner = ["(component $runtime)", "(instance $observer (instantiate $runtime", *instances, "))"]
    offered = [f'(export "{name}" (instance $observer "{name}"))' for name in exports]
    return "\n".join(["(component", *texts, *inner, *offered, ")"])
