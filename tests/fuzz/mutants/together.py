"""Parts of several guests put together, and modules put into components."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.sandbox.sections import HEADER_BYTES, NESTED, Section, join, layer, sections

if TYPE_CHECKING:
    from random import Random

    from tests.fuzz.mutants.sectionwise import Named

_COMPONENT: Final = b"\0asm\x0d\0\1\0"
_MODULE_SECTION, _COMPONENT_SECTION = 1, 4


def spliced(one: bytes, other: bytes, chance: Random) -> Named:
    """A section of one guest in the place of another's: of the same kind where there is one, or of any."""
    parts, theirs = list(sections(one)), list(sections(other))
    number = chance.randrange(len(parts))
    alike = [part for part in theirs if part.kind == parts[number].kind]
    given = chance.choice(alike or theirs) if chance.random() < 0.8 else chance.choice(theirs)
    where = number if chance.random() < 0.8 else chance.randrange(len(parts) + 1)
    behind = parts[where + 1 :] if where == number else parts[where:]
    return f"section {where} of another", join(one[:HEADER_BYTES], [*parts[:where], given, *behind])


def halves(one: bytes, other: bytes, chance: Random) -> Named:
    """The first sections of one, the last of another."""
    parts, theirs = list(sections(one)), list(sections(other))
    here, there = chance.randrange(len(parts) + 1), chance.randrange(len(theirs) + 1)
    return f"{here} sections and another's from {there}", join(
        one[:HEADER_BYTES], [*parts[:here], *theirs[there:]]
    )


def nested(wasm: bytes, depth: int) -> bytes:
    """A guest within so many components, each of which has nothing else."""
    for _ in range(depth):
        kind = _MODULE_SECTION if layer(wasm) == "core" else _COMPONENT_SECTION
        wasm = join(_COMPONENT, [Section(kind, wasm)])
    return wasm


def into_component(component: bytes, wasm: bytes, chance: Random) -> Named:
    """A component with one of the modules or components in it exchanged, whatever it was."""
    parts = list(sections(component))
    inner = [number for number, part in enumerate(parts) if part.kind in NESTED]
    number = chance.choice(inner)
    kind = parts[number].kind if chance.random() < 0.7 else chance.choice((1, 4))
    parts[number] = Section(kind, wasm)
    return f"section {number} is another guest", join(component[:HEADER_BYTES], parts)


def inner_modules(component: bytes) -> list[bytes]:
    """The core modules that a component has itself."""
    return [part.body for part in sections(component) if part.kind == _MODULE_SECTION]
