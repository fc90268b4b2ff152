"""Binaries broken section by section: cut, left out, doubled, misordered, mislabelled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.sandbox.sections import HEADER_BYTES, Section, join, places, read_u32, sections

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

Named = tuple[str, bytes]

HUGE: Final = b"\xff\xff\xff\xff\x0f"
ENDLESS: Final = b"\x80" * 12
_UNKNOWN: Final = 77


def leb(number: int, width: int = 0) -> bytes:
    """Write an unsigned LEB128 number, padded to ``width`` bytes."""
    encoded = bytearray()
    while number >= 0x80 or len(encoded) + 1 < width:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def cut(wasm: bytes) -> Iterator[Named]:
    """Truncated at every boundary of a section, and inside of it."""
    for length in (0, 3, 4, 6, 7):
        yield f"cut to {length} bytes", wasm[:length]
    for number, (_, begin, end) in enumerate(places(wasm)):
        size = end - begin
        for at in {begin - 1, begin, begin + 1, begin + size // 3, begin + size // 2, end - 1, end}:
            if HEADER_BYTES <= at < len(wasm):
                yield f"cut in section {number} at byte {at}", wasm[:at]


def headers(wasm: bytes) -> Iterator[Named]:
    """Another magic, version or layer in front of the same sections."""
    for header in (
        b"\0ASM\1\0\0\0",
        b"\0asm\0\0\0\0",
        b"\0asm\2\0\0\0",
        b"\0asm\x0d\0\1\0",
        b"\0asm\1\0\0\0",
        b"\0asm\x0a\0\1\0",
        b"\0asm\1\0\2\0",
        b"(module)",
        b"\x7fELF\2\1\1\0",
    ):
        if header != wasm[:HEADER_BYTES]:
            yield f"header {header!r}", header + wasm[HEADER_BYTES:]


def structure(wasm: bytes) -> Iterator[Named]:
    """Sections left out, doubled, swapped, moved, called another, given another size."""
    header, parts = wasm[:HEADER_BYTES], list(sections(wasm))
    for number, part in enumerate(parts):
        before, after = parts[:number], parts[number + 1 :]
        yield f"no section {number}", join(header, [*before, *after])
        yield f"section {number} twice", join(header, [*before, part, part, *after])
        yield f"section {number} last", join(header, [*before, *after, part])
        yield f"section {number} first", join(header, [part, *before, *after])
        if after:
            yield f"section {number} swapped", join(header, [*before, after[0], part, *after[1:]])
        for kind in (0, (part.kind + 1) % 14, _UNKNOWN):
            if kind != part.kind:
                other = Section(kind, part.body)
                yield f"section {number} as kind {kind}", join(header, [*before, other, *after])
        for what, body in _bodies(part.body):
            changed = Section(part.kind, body)
            yield f"section {number} with {what}", join(header, [*before, changed, *after])
        yield from _sizes(wasm, number)


def _bodies(body: bytes) -> Iterator[Named]:
    """The same section empty, longer, shorter, or with another number of entries."""
    yield "nothing in it", b""
    yield "a byte more", body + b"\0"
    yield "a byte less", body[:-1]
    try:
        count, at = read_u32(body, 0)
    except ValueError:
        return
    rest = body[at:]
    yield "no entries", b"\0"
    yield "one entry more", leb(count + 1) + rest
    if count:
        yield "one entry less", leb(count - 1) + rest
    yield "4,294,967,295 entries", HUGE + rest
    yield "100,001 entries", leb(100_001) + rest
    yield "a padded count", leb(count, 5) + rest
    yield "a count without end", ENDLESS + rest


def _sizes(wasm: bytes, number: int) -> Iterator[Named]:
    """The same bytes behind a section's head that says another size."""
    _, begin, end = list(places(wasm))[number]
    size = end - begin
    head = begin - len(leb(size))
    for what, written in (
        ("a size one up", leb(size + 1)),
        ("a size one down", leb(max(size - 1, 0))),
        ("a size of 0", leb(0)),
        ("a size of 4 GiB", HUGE),
        ("a size without end", ENDLESS),
        ("a padded size", leb(size, 5)),
    ):
        yield f"section {number} with {what}", wasm[:head] + written + wasm[begin:]


def custom(wasm: bytes, chance: Random) -> Iterator[Named]:
    """Custom sections that are none, that lie about names, or that say they are the manifest."""
    bodies = {
        "no name": b"",
        "a name longer than it": b"\x7fname",
        "a name that is no text": b"\x02\xff\xfe",
        "names that end early": b"\x04name\x01\x7f\x7f",
        "names of functions there are not": b"\x04name\x01\x09\x01\xff\xff\xff\xff\x0f\x02\x1b[",
        "a manifest of nothing": b"\x11wasmhost:manifest",
        "a manifest of noise": b"\x11wasmhost:manifest" + chance.randbytes(40),
        "a manifest of depth": b"\x11wasmhost:manifest" + b"\x81" * 4000,
        "debug information of noise": b"\x0b.debug_info" + chance.randbytes(60),
    }
    for what, body in bodies.items():
        section = join(b"", [Section(0, body)])
        yield f"a custom section with {what} behind", wasm + section
        yield f"a custom section with {what} before", wasm[:HEADER_BYTES] + section + wasm[HEADER_BYTES:]
