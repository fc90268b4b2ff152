"""Names of functions that the engine would demangle, made such that it does not.

Of a component's trap the engine gives no code but a text, which has a backtrace in it, and in that it
demangles the names of functions. A name of C++ can refer to parts of itself: 250 bytes of it took 0.8 s and
90 MiB to write out, and 12 bytes more double that. A stranger wrote the names, so long ones get another
first letter, one that no mangled name begins with. So do the sections of debug information, which has such
names too, and which the engine reads where its environment says so. Nothing else changes, and no offset.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from wasmhost.sandbox.sections import CUSTOM, Place, TooMuch, all_places, places, read_u32

if TYPE_CHECKING:
    from collections.abc import Iterator

_HARMLESS: Final = 64  # bytes: as long as this, a name comes to some kilobytes
_MANGLED: Final = re.compile(rb"_*[RZG].*|[A-Za-z0-9_$.@]*", re.DOTALL)
_INSTEAD: Final = ord("~")
_NAMES: Final = b"name"
_DEBUG: Final = b".debug_"
_FUNCTIONS: Final = 1
_MOST_NAMES: Final = 1_000_000  # the engine takes no module with more functions


def blunted(wasm: bytes) -> bytes:
    """Return a component whose functions have no names that would be demangled at length."""
    changed: bytearray | None = None
    for at in _first_letters(wasm):
        changed = changed or bytearray(wasm)
        changed[at] = _INSTEAD
    return wasm if changed is None else bytes(changed)


def _first_letters(wasm: bytes) -> Iterator[int]:
    """Where such names begin, in core modules at any depth."""
    for place, is_core in all_places(wasm):
        if is_core and place.kind == CUSTOM:
            yield from _in_section(wasm, place)


def _in_section(wasm: bytes, section: Place) -> Iterator[int]:
    """Up to where it is broken: so far the engine reads it too.

    :raises TooMuch: it names more functions than a module can have.
    """
    _, name = read_u32(wasm, section.begin)
    if wasm.startswith(_DEBUG, name, section.end):
        yield name
    if not wasm.startswith(_NAMES, name, section.end):
        return
    try:
        for part in places(wasm, name + len(_NAMES), section.end):
            if part.kind == _FUNCTIONS:
                count, at = _count(wasm, part.begin)
                for _ in range(count):
                    _, at = read_u32(wasm, at)
                    size, at = read_u32(wasm, at)
                    if at + size > part.end:
                        return
                    if size > _HARMLESS and _MANGLED.fullmatch(wasm, at, at + size):
                        yield at
                    at += size
    except TooMuch:
        raise
    except ValueError:
        return


def _count(wasm: bytes, at: int) -> tuple[int, int]:
    count, behind = read_u32(wasm, at)
    if count > _MOST_NAMES:
        raise TooMuch(f"one of its modules has names for more than {_MOST_NAMES:,} functions")
    return count, behind
