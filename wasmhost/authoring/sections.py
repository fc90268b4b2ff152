"""The custom sections of a module as an author's build leaves them: no debugger's, and the manifest."""

from __future__ import annotations

from typing import Final

from wasmhost.sandbox.sections import (
    CUSTOM,
    Section,
    join,
    layer,
    named,
    sections,
    vector,
    without_custom_sections,
)

_FUNCTION_NAMES: Final = 1


def strip_debug(module: bytes, *, keep_names: bool = True) -> bytes:
    """Return the core module with, of all its custom sections, only the names of its functions.

    Backtraces need those. The rest (DWARF, the module's and the variables' names, the toolchain's own
    notes) is many times the code's size, and DWARF holds the paths of the machine it was built on.
    Without ``keep_names`` the names go as well.
    """
    if layer(module) != "core":
        raise ValueError("not a core WebAssembly module")
    return join(module[:8], [kept for section in sections(module) if (kept := _kept(section, keep_names))])


def with_custom_section(module: bytes, name: str, content: bytes) -> bytes:
    """Return the module or component with one custom section of this name, at its end."""
    section = Section(CUSTOM, vector(name.encode()) + content)
    return without_custom_sections(module, name) + join(b"", [section])


def _kept(section: Section, keep_names: bool) -> Section | None:
    if section.kind != CUSTOM:
        return section
    content = named(section, "name")
    if content is None or not keep_names:
        return None
    parts = [part for part in sections(content, start=0) if part.kind == _FUNCTION_NAMES]
    return Section(CUSTOM, vector(b"name") + join(b"", parts))
