"""Writing a report's body as deterministic CBOR (RFC 8949, section 4.2.1).

What costs most is kept for when it comes again: how a record of a type is written, and the keys of maps.
"""

from __future__ import annotations

import struct
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    Item: TypeAlias = "bool | int | float | str | bytes | Sequence[Item] | Mapping[str, Item] | None"
    Write: TypeAlias = Callable[[bytearray, Any, int], None]

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

_MOST_KEPT: Final = 256
_keys: Final[dict[str, bytes]] = {}
_first: Final = itemgetter(0)


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
    kind = type(item)
    write = _WRITERS.get(kind)
    if write is None:
        write = _writer(kind)
        if len(_WRITERS) < _MOST_KEPT:
            _WRITERS[kind] = write
    write(out, item, depth)


def _writer(kind: type) -> Write:
    """How to write what is of a type that derives from one we know, as enums and named tuples do."""
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _record_writer(kind._fields)
    for known, write in _WRITERS.items():
        if issubclass(kind, known):
            return write
    raise TypeError(f"a report can't hold a {kind.__name__}")


def _record_writer(names: tuple[str, ...]) -> Write:
    fields = sorted((_key(name.replace("_", "-")), place) for place, name in enumerate(names))

    def write_record(out: bytearray, record: tuple[Any, ...], depth: int) -> None:
        depth = _deeper(depth)
        _head(out, _MAP, len(record) - record.count(None))
        for key, place in fields:
            value = record[place]
            if value is not None:
                out += key
                _write(out, value, depth)

    return write_record


def _write_map(out: bytearray, items: Mapping[str, Item], depth: int) -> None:
    depth = _deeper(depth)
    _head(out, _MAP, len(items))
    for key, value in sorted([(_key(key), value) for key, value in items.items()], key=_first):
        out += key
        _write(out, value, depth)


def _write_array(out: bytearray, items: Sequence[Item], depth: int) -> None:
    depth = _deeper(depth)
    _head(out, _ARRAY, len(items))
    for item in items:
        _write(out, item, depth)


def _deeper(depth: int) -> int:
    if depth == _MOST_DEPTH:
        raise ValueError(f"a report is nested at most {_MOST_DEPTH} deep")
    return depth + 1


def _key(key: str) -> bytes:
    """Return a key's bytes. A few are kept: most observers have few, and the same ones all the time."""
    encoded = _keys.get(key)
    if encoded is None:
        if not isinstance(key, str):
            raise TypeError(f"a key of a report is text, not a {type(key).__name__}")
        out = bytearray()
        _write_text(out, key, 0)
        encoded = bytes(out)
        if len(_keys) < _MOST_KEPT and len(encoded) < _MOST_KEPT:
            _keys[key] = encoded
    return encoded


def _write_text(out: bytearray, text: str, _: int) -> None:
    encoded = text.encode("utf-8", "replace")  # half of a surrogate pair becomes a question mark
    size = len(encoded)
    if size < 24:  # as most are, and a call less
        out.append(_TEXT | size)
    else:
        _head(out, _TEXT, size)
    out += encoded


def _write_bytes(out: bytearray, data: bytes, _: int) -> None:
    _head(out, _BYTES, len(data))
    out += data


def _write_int(out: bytearray, number: int, _: int) -> None:
    if 0 <= number < 24:
        out.append(number)
    elif number >= 0:
        _head(out, _UINT, number)
    else:
        _head(out, _NINT, -1 - number)


def _write_bool(out: bytearray, value: bool, _: int) -> None:
    out.append(0xF5 if value else 0xF4)


def _write_none(out: bytearray, _value: None, _: int) -> None:
    out.append(0xF6)


def _write_float(out: bytearray, value: float, _: int) -> None:
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


_WRITERS: Final[dict[type, Write]] = {
    bool: _write_bool,  # before int, which it derives from
    int: _write_int,
    str: _write_text,
    bytes: _write_bytes,
    float: _write_float,
    dict: _write_map,
    list: _write_array,
    tuple: _write_array,
    type(None): _write_none,
}
