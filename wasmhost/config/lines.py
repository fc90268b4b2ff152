"""On which line of a TOML document every key and every array element stands.

:mod:`tomllib` gives positions for syntax errors only. This scanner runs after it, on a document
that is known to be valid, and so only has to know where a key, a string or a value ends.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right

from wasmhost.errors import InternalError

Key = tuple[str | int, ...]
"""The way to a value: names of tables and keys, and indices into arrays."""

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# The longer quotes first. A multi-line string may end in up to two quotes more than its delimiter.
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_BARE_VALUE = re.compile(r"[^,\]}#\n]+")


def locate(text: str) -> dict[Key, int]:
    """Return the line, counted from 1, of every key and array element of a valid document.

    A table or array of tables is where it is first named; the element of an array of tables is at
    its ``[[header]]``. ``text`` must be what :func:`tomllib.loads` accepts.
    """
    scanner = _Scanner(text.replace("\r\n", "\n"))
    scanner.document()
    return scanner.lines


class _Scanner:
    def __init__(self, text: str) -> None:
        self.lines: dict[Key, int] = {}
        self._text = text
        self._position = 0
        self._line_starts = [0, *(match.end() for match in re.finditer("\n", text))]
        self._table: Key = ()
        self._elements: dict[Key, int] = {}  # of each array of tables: how many so far

    def document(self) -> None:
        self._skip(_BLANK)
        while self._position < len(self._text):
            if self._take("[["):
                self._header(element=True)
            elif self._take("["):
                self._header(element=False)
            else:
                self._pair(self._table)
            self._skip(_BLANK)

    def _header(self, *, element: bool) -> None:
        path: Key = ()
        names = self._names()
        for name in names[:-1]:
            path = self._enter((*path, name))
        path = self._note((*path, names[-1]))
        if element:
            self._elements[path] = self._elements.get(path, 0) + 1
        self._table = self._enter(path)
        self._take("]]" if element else "]")

    def _enter(self, path: Key) -> Key:
        """Note ``path`` and return it, or its newest element if it is an array of tables."""
        self._note(path)
        if path in self._elements:
            path = self._note((*path, self._elements[path] - 1))
        return path

    def _pair(self, table: Key) -> None:
        path = table
        for name in self._names():
            path = self._note((*path, name))
        self._take("=")
        self._skip(_SPACE)
        self._value(path)

    def _names(self) -> list[str]:
        """Read a key: its names, and the space around them."""
        names = [self._name()]
        while self._take("."):
            names.append(self._name())
        return names

    def _name(self) -> str:
        self._skip(_SPACE)
        bare = _BARE_KEY.match(self._text, self._position)
        if bare:
            self._position = bare.end()
            name = bare.group()
        else:
            # Escapes are for tomllib to read, so that both see the same name.
            name = str(tomllib.loads(f"name = {self._string()}")["name"])
        self._skip(_SPACE)
        return name

    def _value(self, path: Key) -> None:
        if self._take("["):
            self._array(path)
        elif self._take("{"):
            self._inline_table(path)
        elif self._text[self._position] in "\"'":
            self._string()
        else:
            self._skip(_BARE_VALUE)

    def _array(self, path: Key) -> None:
        index = 0
        self._skip(_BLANK)
        while not self._take("]"):
            self._value(self._note((*path, index)))
            index += 1
            self._skip(_BLANK)
            self._take(",")
            self._skip(_BLANK)

    def _inline_table(self, path: Key) -> None:
        self._skip(_BLANK)
        while not self._take("}"):
            self._pair(path)
            self._skip(_BLANK)
            self._take(",")
            self._skip(_BLANK)

    def _string(self) -> str:
        match = self._match(_STRING)
        self._position = match.end()
        return match.group()

    def _note(self, path: Key) -> Key:
        self.lines.setdefault(path, bisect_right(self._line_starts, self._position))
        return path

    def _skip(self, pattern: re.Pattern[str]) -> None:
        self._position = self._match(pattern).end()

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str]:
        match = pattern.match(self._text, self._position)
        if match is None:
            raise InternalError(f"tomllib accepts what this scanner cannot read at {self._position}")
        return match

    def _take(self, token: str) -> bool:
        found = self._text.startswith(token, self._position)
        if found:
            self._position += len(token)
        return found
