"""A WebAssembly binary as its sections, core module or component alike: a header, then kind and body.

Whoever reads a stranger's binary gets a `ValueError` where it is not as expected, never a wrong answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CUSTOM: Final = 0
HEADER_BYTES: Final = 8
_MAGIC: Final = b"\0asm"
_CORE_LAYER: Final = b"\x01\0\0\0"
_COMPONENT_LAYER: Final = b"\x01\0"
NESTED: Final = frozenset({1, 4})  # the sections of a component that hold a core module, a component
_MAX_DEPTH: Final = 8
MAX_SECTIONS: Final = 100_000  # componentize-py's components have some hundreds


class TooMuch(ValueError):
    """A binary that would take long to look through: 32 MiB can be sixteen million sections."""


class Section(NamedTuple):
    """One section: its kind, and what is in it. A custom section's body begins with its name."""

    kind: int
    body: bytes


def layer(wasm: bytes) -> Literal["core", "component"] | None:
    """Tell a core module from a component by the binary's first eight bytes; None where it is neither."""
    if wasm[:4] != _MAGIC:
        return None
    if wasm[4:8] == _CORE_LAYER:
        return "core"
    return "component" if wasm[6:8] == _COMPONENT_LAYER else None


class Place(NamedTuple):
    """Where a section is: its kind, and from where to where in the binary its body goes."""

    kind: int
    begin: int
    end: int


def places(wasm: bytes, start: int = HEADER_BYTES, end: int | None = None) -> Iterator[Place]:
    """Find the sections of a binary, or of a part of it, without taking them out.

    :raises ValueError: a section is longer than what is there.
    :raises TooMuch: there are more of them than anybody needs.
    """
    at = start
    end = len(wasm) if end is None else end
    found = 0
    while at < end:
        found = _one_more(found)
        size, begin = read_u32(wasm, at + 1)
        if begin + size > end:
            raise ValueError("a section ends beyond the end of the binary")
        yield Place(wasm[at], begin, begin + size)
        at = begin + size


def all_places(wasm: bytes) -> Iterator[tuple[Place, bool]]:
    """Find the sections at any depth, and of each whether it is a core module's. What is broken ends there.

    :raises TooMuch: there are more of them, all taken together, than anybody needs.
    """
    parts = [(0, len(wasm))]
    found = 0
    while parts:
        begin, end = parts.pop()
        is_core = layer(wasm[begin : begin + HEADER_BYTES]) == "core"
        try:
            for place in places(wasm, begin + HEADER_BYTES, end):
                found = _one_more(found)
                yield place, is_core
                if not is_core and place.kind in NESTED:
                    parts.append((place.begin, place.end))
        except TooMuch:
            raise
        except ValueError:
            continue  # which the engine will not compile


def sections(wasm: bytes, start: int = HEADER_BYTES) -> Iterator[Section]:
    """Split a binary, or from 0 a run of subsections, which look the same.

    :raises ValueError: a section is longer than what is there.
    """
    for kind, begin, end in places(wasm, start):
        yield Section(kind, wasm[begin:end])


def named(section: Section, name: str) -> bytes | None:
    """Return what a custom section of this name holds; None for every other section."""
    if section.kind != CUSTOM:
        return None
    encoded = vector(name.encode())
    return section.body[len(encoded) :] if section.body.startswith(encoded) else None


def custom_sections(wasm: bytes, name: str) -> list[bytes]:
    """Return what the custom sections of this name hold, at the top level of the binary.

    :raises ValueError: a section is longer than what is there.
    """
    return [content for section in sections(wasm) if (content := named(section, name)) is not None]


def without_custom_sections(wasm: bytes, name: str) -> bytes:
    """The binary less its custom sections of this name, at its top level.

    :raises ValueError: a section is longer than what is there.
    """
    return join(wasm[:HEADER_BYTES], [section for section in sections(wasm) if named(section, name) is None])


def core_modules(wasm: bytes) -> Iterator[bytes]:
    """A core module is itself; a component is all those in it, and in components in it, 8 deep.

    :raises ValueError: a section is longer than what is there.
    """
    for begin, end in core_module_spans(wasm, 0, len(wasm)):
        yield wasm[begin:end]


def core_module_spans(wasm: bytes, begin: int, end: int, depth: int = 0) -> Iterator[tuple[int, int]]:
    """From where to where the core modules go that are in a part of a binary; see `core_modules`.

    :raises ValueError: a section is longer than what is there.
    """
    if layer(wasm[begin : min(end, begin + HEADER_BYTES)]) == "core":
        yield begin, end
        return
    for kind, inner, inner_end in places(wasm, begin + HEADER_BYTES, end):
        if kind in NESTED and depth < _MAX_DEPTH:
            yield from core_module_spans(wasm, inner, inner_end, depth + 1)


def join(header: bytes, parts: Iterable[Section]) -> bytes:
    """Put a binary together: what `sections` took apart."""
    joined = bytearray(header)
    for part in parts:
        joined.append(part.kind)
        joined += vector(part.body)
    return bytes(joined)


def vector(data: bytes) -> bytes:
    """Bytes with their number in front, as names and section bodies are written."""
    return write_u32(len(data)) + data


def read_u32(data: bytes, at: int, bits: int = 32) -> tuple[int, int]:
    """Read an unsigned LEB128 number, of 32 bits or more; returns it and the offset behind it.

    :raises ValueError: it does not end, or is too long.
    """
    value = shift = 0
    while at < len(data) and shift < bits:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number is cut short or too long")


def _one_more(sections_found: int) -> int:
    if sections_found >= MAX_SECTIONS:
        raise TooMuch(f"it has more than {MAX_SECTIONS:,} sections")
    return sections_found + 1


def write_u32(value: int) -> bytes:
    """Write an unsigned number as LEB128, whatever its size."""
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
