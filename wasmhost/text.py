"""The one place where text that a stranger wrote is made fit to be shown to a person.

Guests choose log lines, panic messages, function names, metric names and topics; nodes choose the
names of their sources. Printed raw, such text can move a terminal's cursor, forge a second log line
or reverse the reading direction of what follows it.
"""

from __future__ import annotations

ELLIPSIS = "…"


def escape_untrusted(text: str, limit: int) -> str:
    """Return ``text`` as one printable line of at most ``limit`` characters.

    Whatever :meth:`str.isprintable` refuses is replaced by its Python escape: control characters
    (C0, DEL, C1, so newline and ESC too), bidirectional and every other format character, line and
    paragraph separators, spaces other than the plain one, private-use and unassigned code points,
    and lone surrogates. Longer text ends in an ellipsis; an escape is never cut in two.

    The backslash itself stays as it is: the result is for reading, not for decoding, and this way
    escaping twice changes nothing.

    The work done is bounded by ``limit``, however long ``text`` is. Raises ValueError for a
    ``limit`` under 1.
    """
    if limit < 1:
        raise ValueError(f"a limit of {limit} characters leaves no room for any text")
    head = text[: limit + 1]
    if len(head) <= limit and head.isprintable():
        return head
    units = [character if character.isprintable() else _escape(character) for character in head]
    if sum(map(len, units)) <= limit:
        return "".join(units)
    return _cut(units, limit - len(ELLIPSIS)) + ELLIPSIS


def decode_untrusted(data: bytes | bytearray | memoryview, limit: int) -> str:
    r"""Decode UTF-8 that may be broken and escape it as :func:`escape_untrusted` does.

    A byte that is no part of a character shows as ``\xff``. No more than ``limit`` characters'
    worth of ``data`` is read. Raises ValueError for a ``limit`` under 1.
    """
    # A character takes at most 4 bytes, so this prefix holds more than `limit` characters and
    # the one it may cut in two lies beyond the limit.
    prefix = bytes(data[: 4 * (limit + 1)])
    return escape_untrusted(prefix.decode("utf-8", "backslashreplace"), limit)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _cut(units: list[str], limit: int) -> str:
    kept: list[str] = []
    room = limit
    for unit in units:
        room -= len(unit)
        if room < 0:
            break
        kept.append(unit)
    return "".join(kept)
