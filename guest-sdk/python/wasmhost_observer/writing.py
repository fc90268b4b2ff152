"""Writing a report's body as deterministic CBOR (RFC 8949, section 4.2.1)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from wasmhost_observer import raw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    Item: TypeAlias = "bool | int | float | str | bytes | Sequence[Item] | Mapping[str, Item] | None"

_UINT: Final = 0x00
_NINT: Final = 0x20
_BYTES: Final = 0x40
_TEXT: Final = 0x60
_ARRAY: Final = 0x80
_MAP: Final = 0xA0
_WIDTHS: Final = ((0x18, 8), (0x19, 16), (0x1A, 32), (0x1B, 64))
_FLOATS: Final = ((0xF9, ">e"), (0xFA, ">f"), (0xFB, ">d"))
_MOST_DEPTH: Final = 16
"""What the host takes: an item with more arrays and maps inside each other is none of the contract's."""


def encode(item: Item) -> bytes:
    """Encode an item: shortest forms, keys in order.

    A record of the contract (any named tuple) is a map with its fields, spelled as in the WIT; what is None
    in it is left out.

    :raises TypeError: something in it is of no type that a report can hold.
    :raises ValueError: a number needs more than 64 bits, or it is nested more than 16 deep.
    """
    out = bytearray()
    _write(out, item, 0)
    return bytes(out)


def _write(out: bytearray, item: Item, depth: int) -> None:
    if item is None:
        out.append(0xF6)
    elif isinstance(item, bool):
        out.append(0xF5 if item else 0xF4)
    elif isinstance(item, int):
        _head(out, *((_UINT, item) if item >= 0 else (_NINT, -1 - item)))
    elif isinstance(item, str):
        _text(out, item)
    elif isinstance(item, bytes):
        _head(out, _BYTES, len(item))
        out += item
    elif isinstance(item, float):
        _float(out, item)
    else:
        _container(out, item, depth + 1)


def _container(out: bytearray, item: Sequence[Item] | Mapping[str, Item], depth: int) -> None:
    if depth > _MOST_DEPTH:
        raise ValueError(f"a report is nested at most {_MOST_DEPTH} deep")
    if isinstance(item, dict):
        _map(out, item, depth)
    elif isinstance(item, tuple) and hasattr(item, "_fields"):
        _map(out, _named(item), depth)
    elif isinstance(item, list | tuple):
        _head(out, _ARRAY, len(item))
        for value in item:
            _write(out, value, depth)
    else:
        raise TypeError(f"a report can't hold a {type(item).__name__}")


def _map(out: bytearray, items: Mapping[str, Item], depth: int) -> None:
    _head(out, _MAP, len(items))
    for key, value in sorted(((_key(key), value) for key, value in items.items()), key=_by_key):
        out += key
        _write(out, value, depth)


def _named(record: tuple[Item, ...]) -> Mapping[str, Item]:
    """A record as the contract has it: keys as in the WIT, and no key for what is absent."""
    fields: tuple[str, ...] = record._fields  # type: ignore[attr-defined]
    entries = zip(fields, record, strict=True)
    return {name.replace("_", "-"): value for name, value in entries if value is not None}


def _key(key: str) -> bytes:
    if not isinstance(key, str):
        raise TypeError(f"a key of a report is text, not a {type(key).__name__}")
    out = bytearray()
    _text(out, key)
    return bytes(out)


def _by_key(entry: tuple[bytes, Item]) -> bytes:
    return entry[0]


def _text(out: bytearray, text: str) -> None:
    encoded = raw.text(text).encode()
    _head(out, _TEXT, len(encoded))
    out += encoded


def _float(out: bytearray, value: float) -> None:
    """The narrowest of the three widths that keeps the value; NaN in its one form."""
    if value != value:
        out += b"\xf9\x7e\x00"
        return
    for head, form in _FLOATS:
        try:
            packed = struct.pack(form, value)
        except OverflowError:
            continue
        if struct.unpack(form, packed)[0] == value:
            out.append(head)
            out += packed
            return


def _head(out: bytearray, major: int, argument: int) -> None:
    if argument < 24:
        out.append(major | argument)
        return
    for low, bits in _WIDTHS:
        if argument >> bits == 0:
            out.append(major | low)
            out += argument.to_bytes(bits // 8, "big")
            return
    raise ValueError(f"a number of a report has at most 64 bits, {argument} has more")
