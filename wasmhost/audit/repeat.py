"""The one macro of a case: ``(;repeat N;)`` … ``(;end;)`` is what stands between, N times.

In it ``$i`` is the number of the turn, from 0; a repetition within a repetition counts by ``$j``, one in that
by ``$k``. To WebAssembly text both marks are comments.
"""

from __future__ import annotations

import re
from typing import Final

MOST: Final = 64 * 1024 * 1024
"""Characters that a case may come to: who writes a bomb should not have to be one."""

_MARK: Final = re.compile(r"\(;\s*(?:repeat\s+([\d_]+)|(end))\s*;\)")
_VARIABLES: Final = "ijk"


class BadRepeat(ValueError):
    """A mark that cannot be meant: ``place`` is its offset in the text."""

    def __init__(self, place: int, complaint: str) -> None:
        super().__init__(complaint)
        self.place = place


def expand(text: str) -> str:
    """Write all repetitions out.

    :raises BadRepeat: one does not end or did not begin, or it comes to too much.
    """
    expanded, place = _expand(text, 0, 0, None)
    if place < len(text):
        raise BadRepeat(place, "(;end;) without a (;repeat N;) before it")
    return expanded


def _expand(text: str, place: int, depth: int, opened: int | None) -> tuple[str, int]:
    """Expand from ``place`` up to the mark that ends this repetition, or the text; where that is."""
    parts: list[str] = []
    while True:
        mark = _MARK.search(text, place)
        parts.append(text[place : mark.start() if mark else len(text)])
        if mark is None:
            if opened is not None:
                raise BadRepeat(opened, "(;repeat N;) without an (;end;)")
            return "".join(parts), len(text)
        if mark[2]:
            return "".join(parts), mark.start()
        if depth == len(_VARIABLES):
            raise BadRepeat(mark.start(), f"more than {len(_VARIABLES)} repetitions in each other")
        body, end = _expand(text, mark.end(), depth + 1, mark.start())
        parts.append(_repeated(body, int(mark[1]), _VARIABLES[depth], mark.start()))
        closing = _MARK.match(text, end)
        place = closing.end() if closing else len(text)


def _repeated(body: str, times: int, variable: str, place: int) -> str:
    if len(body) * times > MOST:
        raise BadRepeat(place, f"it comes to more than {MOST:,} characters")
    counter = re.compile(rf"\${variable}(?![A-Za-z_])")  # digits may follow: those of one within it
    if not counter.search(body):
        return body * times
    return "".join(counter.sub(str(number), body) for number in range(times))
