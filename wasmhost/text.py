"""The one place where text that a stranger wrote is made fit to be shown to a person.

Guests choose log lines, panic messages, function names, metric names and topics; nodes choose the
names of their sources. Printed raw, such text can move a terminal's cursor, forge a second log line
or reverse the reading direction of what follows it.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Final

ELLIPSIS = "…"

MAX_MARKS: Final = 4
"""Combining marks in a row. No living language needs more; a hundred of them paint over the lines above."""
_FIRST_MARK: Final = "\u0300"
_INVISIBLE_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0")  # Hangul's fillers: letters, in name


def escape_untrusted(text: str, limit: int) -> str:
    """Return ``text`` as one printable line of at most ``limit`` characters.

    Whatever :meth:`str.isprintable` refuses is replaced by its Python escape: control characters
    (C0, DEL, C1, so newline and ESC too), bidirectional and every other format character, line and
    paragraph separators, spaces other than the plain one, private-use and unassigned code points,
    and lone surrogates; and so are letters that are invisible, combining marks beyond `MAX_MARKS` in a
    row, and those at the beginning, which would sit on whatever is printed in front of the text. Longer
    text ends in an ellipsis; an escape is never cut in two.

    It is for terminals and logs: markup (``<``, ``&``, quotes) stays as it is.

    The backslash itself stays as it is: the result is for reading, not for decoding, and this way
    escaping twice changes nothing.

    The work done is bounded by ``limit``, however long ``text`` is. Raises ValueError for a
    ``limit`` under 1.
    """
    if limit < 1:
        raise ValueError(f"a limit of {limit} characters leaves no room for any text")
    head = text[: limit + 1]
    if len(head) <= limit and head.isascii() and head.isprintable():
        return head
    units = _units(head)
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


def safe_json(value: object, *, compact: bool = False) -> str:
    r"""Return ``value`` as one line of JSON in printable ASCII, whatever its strings hold.

    They are data for machines, so nothing is lost: what a terminal would act upon, DEL too, stands there
    as ``\u…``, and comes out of any JSON parser as it went in. Raises ValueError for NaN and infinities.
    """
    separators = (",", ":") if compact else None
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=separators)
    return text.replace("\x7f", "\\u007f")  # ASCII, so json leaves it; it occurs in strings only


def shorten(text: str, limit: int) -> str:
    """Return at most ``limit`` characters of a text for `safe_json`; what is cut off ends in an ellipsis."""
    return text if len(text) <= limit else text[: limit - len(ELLIPSIS)] + ELLIPSIS


def _units(text: str) -> list[str]:
    """Escape character by character."""
    units: list[str] = []
    room = 0  # for marks: there is nothing yet that they could belong to
    for character in text:
        if character >= _FIRST_MARK and unicodedata.category(character)[0] == "M":
            shown = room > 0
            room -= 1
        else:
            shown = character.isprintable() and character not in _INVISIBLE_LETTERS
            room = MAX_MARKS
        units.append(character if shown else _escape(character))
    return units


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
