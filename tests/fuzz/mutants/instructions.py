"""What follows an opcode: enough of WebAssembly's instructions to step from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.sandbox.sections import read_u32

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fuzz.mutants.fields import Role

_BR_TABLE, _SELECT_TYPED, _BULK, _VECTOR = 0x0E, 0x1C, 0xFC, 0xFD
_NUMBERS: Final[dict[int, tuple[Role, ...]]] = {
    **dict.fromkeys((0x02, 0x03, 0x04), ("type",)),
    **dict.fromkeys((0x0C, 0x0D, 0x10, 0x12, 0xD2, 0x3F, 0x40), ("index",)),
    **dict.fromkeys((0x11, 0x13), ("index", "index")),
    **dict.fromkeys(range(0x20, 0x27), ("index",)),
    **dict.fromkeys(range(0x28, 0x3F), ("flags", "number")),
    **dict.fromkeys((0x41, 0x42), ("number",)),
    0xD0: ("type",),
}
_FIXED: Final = {0x43: 4, 0x44: 8}
_BULK_INDEXES: Final = {8: 2, 9: 1, 10: 2, 11: 1, 12: 2, 13: 1, 14: 2, 15: 1, 16: 1, 17: 1}


def immediates(opcode: int, code: bytes, at: int) -> Iterator[tuple[Role, int]]:
    """What stands behind an opcode, beginning at ``at``: role and length of each part.

    :raises ValueError: a number does not end.
    """
    for role in _NUMBERS.get(opcode, ()):
        length = _length(code, at)
        yield role, length
        at += length
    if opcode in _FIXED:
        yield "bytes", _FIXED[opcode]
    elif opcode in {_BR_TABLE, _SELECT_TYPED}:
        yield from _list(opcode, code, at)
    elif opcode == _BULK:
        yield from _bulk(code, at)
    elif opcode == _VECTOR:
        yield from _vector(code, at)


def _list(opcode: int, code: bytes, at: int) -> Iterator[tuple[Role, int]]:
    count, behind = read_u32(code, at)
    yield "count", behind - at
    for _ in range(count + (opcode == _BR_TABLE)):
        length = _length(code, behind)
        yield ("index" if opcode == _BR_TABLE else "type"), length
        behind += length


def _bulk(code: bytes, at: int) -> Iterator[tuple[Role, int]]:
    which, behind = read_u32(code, at)
    yield "opcode", behind - at
    for _ in range(_BULK_INDEXES.get(which, 0)):
        length = _length(code, behind)
        yield "index", length
        behind += length


def _vector(code: bytes, at: int) -> Iterator[tuple[Role, int]]:
    which, behind = read_u32(code, at)
    yield "opcode", behind - at
    if which <= 11 or 84 <= which <= 93:
        for role in _NUMBERS[0x28]:
            length = _length(code, behind)
            yield role, length
            behind += length
    if which in {12, 13}:
        yield "bytes", 16
    elif 21 <= which <= 34 or 84 <= which <= 91:
        yield "index", 1


def _length(code: bytes, at: int) -> int:
    """How long a LEB128 number is, signed or not, of up to 64 bits."""
    for length in range(1, 11):
        if code[at + length - 1] < 0x80:
            return length
    raise ValueError("a number without end")
