"""Reading an event's CBOR, as far as the contract allows it: definite lengths, no tags, text keys.

A reader is a function that takes the item at which a stream stands. The stream is a ``BytesIO``, because it
keeps the place and cuts the bytes in C: an instruction of Python costs some 100 units of fuel, a call 800.
For the same reason the first byte of an item, which says all about a short one, is looked up in a table. One
that is not there is a ``KeyError``; with that, and the others of `FAULTS`, a reader says that the bytes are
not what the contract says.
"""

from __future__ import annotations

from struct import Struct
from struct import error as TooShort  # noqa: N812 - what it means here
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from io import BytesIO
    from typing import TypeAlias

    T = TypeVar("T")
    Reader: TypeAlias = Callable[[BytesIO], T]


class Malformed(Exception):
    """The bytes are not what the contract says."""


# The last two: text that is no UTF-8, and a size that is beyond all memory.
FAULTS: Final = (Malformed, KeyError, TooShort, UnicodeDecodeError, OverflowError)

_UINT, _NINT, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_U32_MAX: Final = (1 << 32) - 1

# How many bytes an argument has that is not in the first byte itself, by the lower five bits of that. There
# are no others: 28 to 30 are reserved, 31 is an indefinite length.
_WIDTHS: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_UNPACK: Final = {width: Struct(form).unpack for width, form in ((1, ">B"), (2, ">H"), (4, ">I"), (8, ">Q"))}

_SIMPLES: Final = {0xF4: 0, 0xF5: 0, 0xF6: 0, 0xF9: 2, 0xFA: 4, 0xFB: 8}
"""False, true, null, and floats: what is behind the first byte."""


def _heads(major: int) -> dict[bytes, int]:
    """The first bytes of a type, each with its argument, or with -1 where that is in the bytes behind."""
    return {bytes([major << 5 | low]): low if low < 24 else -1 for low in range(28)}


_UINTS: Final = _heads(_UINT)
_TEXTS: Final = _heads(_TEXT)
_MAPS: Final = _heads(_MAP)
_BOOLEANS: Final = {b"\xf4": False, b"\xf5": True}

_MISSING: Final = object()
_REMEMBERED_BYTES: Final = 256


def text(stream: BytesIO) -> str:
    """Read a text."""
    head = stream.read(1)
    size = _TEXTS[head]
    if size < 0:
        size = _argument(stream, head)
    raw = stream.read(size)
    if len(raw) != size:
        raise Malformed
    return raw.decode()


def uint(stream: BytesIO) -> int:
    """Read an unsigned integer of up to 64 bits."""
    head = stream.read(1)
    value = _UINTS[head]
    return value if value >= 0 else _argument(stream, head)


def uint32(stream: BytesIO) -> int:
    """Read an unsigned integer of up to 32 bits."""
    value = uint(stream)
    if value > _U32_MAX:
        raise Malformed
    return value


def boolean(stream: BytesIO) -> bool:
    """Read true or false."""
    return _BOOLEANS[stream.read(1)]


def case(cases: type[T]) -> Reader[T]:
    """Make the reader of an enum whose cases travel as text."""
    by_name: dict[str, T] = {item.value: item for item in cases}  # type: ignore[attr-defined]
    return lambda stream: by_name[text(stream)]


def entries(
    names: tuple[str, ...], optional: frozenset[str], readers: Mapping[str, Reader[Any]]
) -> Reader[list[Any]]:
    """Make the reader of a map, which gives the values of these names in their order.

    A name is the map's key in snake_case; ``optional`` ones may be absent, and are None then; other keys are
    skipped.
    """
    blank = [None if name in optional else _MISSING for name in names]
    fields = {name.replace("_", "-").encode(): (place, readers[name]) for place, name in enumerate(names)}
    # As the host writes them, which a guest does not rely on, but which costs a third of looking each key up.
    order = sorted((_text_head(key) + key, *field) for key, field in fields.items())
    expected = [(key, len(key), place, read) for key, place, read in order]

    def read_entries(stream: BytesIO) -> list[Any]:
        values = blank.copy()
        head = stream.read(1)
        left = _MAPS[head]
        if left < 0:
            left = _argument(stream, head)
        for key, size, place, read in expected:
            if not left:
                break
            found = stream.read(size)
            if found == key:
                values[place] = read(stream)
                left -= 1
            else:
                stream.seek(-len(found), 1)
        if left:
            _read_others(stream, left, fields, values)
        if _MISSING in values:
            raise Malformed
        return values

    return read_entries


def _read_others(
    stream: BytesIO, left: int, fields: Mapping[bytes, tuple[int, Reader[Any]]], values: list[Any]
) -> None:
    """Read the entries that did not come in the order expected, and skip what is no field."""
    for _ in range(left):
        head = stream.read(1)
        size = _TEXTS[head]
        key = stream.read(size if size >= 0 else _argument(stream, head))
        if key in fields:
            place, read = fields[key]
            values[place] = read(stream)
        else:
            skip(stream)


def _text_head(text: bytes) -> bytes:
    """The first byte of a short text."""
    return bytes([_TEXT << 5 | len(text)])


def record(kind: type[T], readers: Mapping[str, Reader[Any]]) -> Reader[T]:
    """Make the reader of a named tuple from those of its fields; one whose default is None may be absent."""
    names: tuple[str, ...] = kind._fields  # type: ignore[attr-defined]
    defaults: dict[str, object] = kind._field_defaults  # type: ignore[attr-defined]
    optional = frozenset(name for name in names if defaults.get(name, _MISSING) is None)
    read_entries = entries(names, optional, readers)
    make = tuple.__new__  # what the named tuple's own does, without a call in between

    def read_record(stream: BytesIO) -> T:
        return make(kind, read_entries(stream))  # type: ignore[type-var]

    return read_record


def remembered(read: Reader[T], most: int) -> Reader[T]:
    """Make a reader that knows the ``most`` values it read last, for those that come again and again.

    No item is the beginning of another one, so bytes that begin like a value's are that value.
    """
    recent: list[tuple[bytes, T]] = []

    def read_or_remember(stream: BytesIO) -> T:
        data = stream.getvalue()  # the stream's own bytes, no copy
        start = stream.tell()
        for encoded, value in recent:
            if data.startswith(encoded, start):
                stream.seek(start + len(encoded))
                return value
        value = read(stream)
        encoded = data[start : stream.tell()]
        if len(encoded) <= _REMEMBERED_BYTES:
            recent.insert(0, (encoded, value))
            del recent[most:]
        return value

    return read_or_remember


def skip(stream: BytesIO) -> None:
    """Go over an item, whatever it is.

    Walks instead of recursing, so that no nesting can use up the stack.
    """
    pending = 1
    while pending:
        pending += _skip_head(stream) - 1


def _skip_head(stream: BytesIO) -> int:
    """Go over an item but for those inside it; how many these are."""
    head = stream.read(1)
    if not head:
        raise Malformed
    major = head[0] >> 5
    if major == _SIMPLE:
        return _skip_bytes(stream, _SIMPLES[head[0]])
    low = head[0] & 0x1F
    size = low if low < 24 else _argument(stream, head)
    if major == _MAP:
        return 2 * size
    if major == _ARRAY:
        return size
    if major in (_BYTES, _TEXT):
        return _skip_bytes(stream, size)
    if major == _TAG:
        raise Malformed
    return 0


def _skip_bytes(stream: BytesIO, size: int) -> int:
    if len(stream.read(size)) != size:  # `seek` would go beyond the end
        raise Malformed
    return 0


def _argument(stream: BytesIO, head: bytes) -> int:
    """Take the argument behind a first byte that does not have it in itself (RFC 8949 section 3)."""
    width = _WIDTHS[head[0] & 0x1F]
    value: int = _UNPACK[width](stream.read(width))[0]
    return value
