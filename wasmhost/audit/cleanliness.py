"""Whether anything that was written for people holds a character that could move a cursor or forge a line."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Iterable

_KEPT: Final = 20
_SHOWN: Final = 120


class Cleanliness(io.StringIO):
    """Looks at lines, and remembers the first few that are not clean. A log may be written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = 0
        self.dirty: list[str] = []
        self._rest = ""

    def write(self, text: str, /) -> int:
        """Look at a piece of a log, which ends where its lines do."""
        *lines, self._rest = (self._rest + text).split("\n")
        self.look(lines)
        return len(text)

    def look(self, lines: Iterable[str]) -> None:
        """Look at lines, each without its end."""
        for line in lines:
            self.lines += 1
            if not line.isprintable() and len(self.dirty) < _KEPT:
                self.dirty.append(escape_untrusted(line, _SHOWN))
