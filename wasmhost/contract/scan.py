"""A bounded look at one CBOR item, before any decoder sees it (RFC 8949).

Decoders do work for what strangers send: tags build regular expressions and huge decimals, string
references grow without end, duplicate keys pass unseen. So every item from outside is walked first,
without building anything, and what the contract has no use for never reaches the decoder: tags,
indefinite lengths, undefined and other simple values, keys that are not text or come twice, text
that is not UTF-8, depth over 16, size over 64 KiB. Floats pass; where a number must be an integer,
the schema says so.

Two walks share the work. :func:`permitted` here knows the permitted subset only, looks into texts
and keys, sees whether the encoding is deterministic, and gives up on the first byte it doesn't
know. Then :class:`HeadWalk`, which knows all of CBOR but looks at heads
only, says what the matter is. Neither recurses.
"""

from __future__ import annotations

from struct import pack, unpack
from typing import NamedTuple

from wasmhost.contract.heads import HeadWalk, Malformed

__all__ = [
    "MAX_DEPTH",
    "MAX_EVENT_BYTES",
    "Malformed",
    "Scan",
    "Truncated",
    "permitted",
    "scan",
    "too_large",
]

MAX_EVENT_BYTES = 65_536
"""The largest item the contract allows, in bytes."""

MAX_DEPTH = 16
"""The most arrays and maps that may be open inside each other."""


class Truncated(ValueError):
    """The bytes end inside an item that is well-formed so far."""


class Scan(NamedTuple):
    """What a scan found: one well-formed item.

    ``end`` is the offset behind it. ``problem`` says in words why the contract refuses it, or is
    None. ``deterministic`` is whether it is in core deterministic encoding (RFC 8949, section 4.2.1;
    of the many NaNs only the half-precision quiet one is); it is False where there is a problem.
    """

    end: int
    deterministic: bool
    problem: str | None


def scan(
    data: bytes, start: int = 0, *, max_bytes: int = MAX_EVENT_BYTES, max_depth: int = MAX_DEPTH
) -> Scan:
    """Walk the item that starts at ``start``; what follows it is not looked at.

    Raises Malformed, with the offset in ``data``, where the bytes are no CBOR, and Truncated where
    they end too early (an empty input included).
    """
    found = permitted(data, start, max_bytes, max_depth)
    if found is not None:
        return found
    walk = HeadWalk(max_depth, start)
    end = walk.advance(data, start)
    if not walk.done:
        raise Truncated(f"the item at byte {start} is not complete: {len(data) - start} bytes of it are here")
    size = end - start
    if size > max_bytes:
        return Scan(end, False, too_large(size, max_bytes))
    return Scan(end, False, walk.problem)


def too_large(size: int, max_bytes: int) -> str:
    """Word the problem of an item of ``size`` bytes."""
    return f"the item takes {size} bytes, over {max_bytes}"


def permitted(  # noqa: C901  # one loop, because a call for each head would double what every event costs
    data: bytes, start: int, max_bytes: int, max_depth: int, *, unordered: bool = False
) -> Scan | None:
    """Walk an item of the permitted subset; None where it leaves the subset, or the limits, or ends early.

    Keys of a map in deterministic encoding ascend, so one comparison for each also shows that none
    comes twice. At the first key for which that does not hold the walk starts again, ``unordered``,
    and remembers the keys of every open map.
    """
    pos = start
    left = 1  # items, or pairs of a map, still to come in the innermost container
    last: bytes | None = None  # the latest key of the innermost container, encoded; None outside of a map
    keys: set[bytes] = set()  # all its keys, when unordered
    stack: list[tuple[int, bytes | None, set[bytes]]] = []  # the same three of the containers around it
    deterministic = not unordered
    problem: str | None = None
    try:
        while True:
            while left == 0:
                if not stack:
                    if pos > len(data) or pos - start > max_bytes:
                        return None
                    return Scan(pos, deterministic and problem is None, problem)
                left, last, keys = stack.pop()
            left -= 1

            if last is not None:  # a pair: its key
                head = data[pos]
                if 0x60 <= head < 0x78:
                    begin, end, shortest = pos + 1, pos + head - 0x5F, True
                elif head >> 5 == 3:
                    size, begin, shortest = _argument(data, pos)
                    end = begin + size
                else:
                    return None
                key = data[pos:end]
                if unordered:
                    if data[begin:end] in keys:
                        problem = problem or _at("a key that comes twice in its map", pos - start)
                    keys.add(data[begin:end])
                elif key <= last or not shortest:
                    return permitted(data, start, max_bytes, max_depth, unordered=True)
                if not key.isascii() and not _is_utf8(data[begin:end]):
                    problem = problem or _at("text that is not UTF-8", pos - start)
                last, pos = key, end

            head = data[pos]
            major, argument, head_end = head >> 5, head & 31, pos + 1
            if argument >= 24:
                if major == 7:
                    deterministic &= _float_is_shortest(data, pos)
                    pos += 1 + (1 << argument - 24)
                    continue
                argument, head_end, shortest = _argument(data, pos)
                deterministic &= shortest
            if major == 3:
                end = head_end + argument
                text = data[head_end:end]
                if not text.isascii() and not _is_utf8(text):
                    problem = problem or _at("text that is not UTF-8", pos - start)
                pos = end
            elif major < 2:
                pos = head_end
            elif 4 <= major <= 5:
                stack.append((left, last, keys))
                if len(stack) > max_depth:
                    return None
                pos, left, last = head_end, argument, b"" if major == 5 else None
                if unordered:
                    keys = set()
            elif major == 2:
                pos = head_end + argument
            elif major == 7 and 20 <= argument <= 22:  # false, true, null
                pos = head_end
            else:
                return None
    except IndexError:  # past the end, or a head outside of the subset
        return None


def _at(what: str, place: int) -> str:
    return f"{what} at byte {place} of the item"


_SMALLEST = (24, 0x100, 0x1_0000, 0x1_0000_0000)


def _argument(data: bytes, pos: int) -> tuple[int, int, bool]:
    """Read a head's argument of one to eight bytes; where the head ends; whether no shorter one would do."""
    width = (data[pos] & 31) - 24
    smallest = _SMALLEST[width]
    end = pos + 1 + (1 << width)
    value = int.from_bytes(data[pos + 1 : end], "big")
    return value, end, value >= smallest


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


_FLOATS = (None, ">e", ">f", ">d")


def _float_is_shortest(data: bytes, pos: int) -> bool:
    """Whether the float at ``pos`` could not be said in fewer bytes; IndexError where it is none."""
    width = (data[pos] & 31) - 24
    form = _FLOATS[width]
    if form is None:
        raise IndexError  # a simple value in two bytes
    size = 1 << width
    encoded = data[pos + 1 : pos + 1 + size]
    if len(encoded) < size:
        raise IndexError
    (value,) = unpack(form, encoded)
    if value != value:
        return encoded == b"\x7e\x00"
    return width == 1 or not _fits(value, _FLOATS[width - 1] or "")


def _fits(value: float, form: str) -> bool:
    try:
        return bool(unpack(form, pack(form, value))[0] == value)
    except OverflowError:
        return False
