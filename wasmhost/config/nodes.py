"""Values of a TOML document that know where they stand, and checks that say so when they fail."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wasmhost.errors import ConfigError
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from wasmhost.config.lines import Key

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Node:
    """One value: what a message calls it (``title``) and the way to it in its file."""

    title: str
    raw: object
    file: str
    key: Key
    lines: Mapping[Key, int]

    def error(self, complaint: str) -> ConfigError:
        """Return the error that says of this value what is wrong, and on which line."""
        return ConfigError(f"{self.file}:{self.line}: {self.title} {complaint}")

    @property
    def line(self) -> int:
        """The line where this value, or what it stands in, is named."""
        key = self.key
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def table(self, known: Iterable[str], elsewhere: Mapping[str, str]) -> dict[str, Node]:
        """Return the values of a table whose keys must be among ``known``.

        ``elsewhere`` says of keys that belong into another table which one that is.
        """
        names = list(known)
        values = self.entries()
        for name, value in values.items():
            if name not in names:
                raise value.unknown_key(name, self.title, names, elsewhere)
        return values

    def entries(self) -> dict[str, Node]:
        """Return the values of a table with keys of any name."""
        if not isinstance(self.raw, dict):
            raise self.error(f"must be a table, not {self.shown()}")
        return {name: self._child(name, value) for name, value in self.raw.items()}

    def elements(self) -> list[Node]:
        """Return the elements of an array; messages call them by the array's title."""
        if not isinstance(self.raw, list):
            raise self.error(f"must be an array, not {self.shown()}")
        return [
            Node(self.title, value, self.file, (*self.key, index), self.lines)
            for index, value in enumerate(self.raw)
        ]

    def renamed(self, title: str) -> Node:
        """Return the same value under a title that says more."""
        return Node(title, self.raw, self.file, self.key, self.lines)

    def unknown_key(
        self, name: str, where: str, known: Iterable[str], elsewhere: Mapping[str, str]
    ) -> ConfigError:
        """Return the error for a key that ``where`` does not have."""
        guess = suggestion(name, known)
        if not guess and name in elsewhere:
            guess = f"; it belongs in {elsewhere[name]}"
        shown = escape_untrusted(name, _SHOWN)
        return ConfigError(f'{self.file}:{self.line}: unknown key "{shown}" in {where}{guess}')

    def shown(self) -> str:
        """Return the value as a message shows it."""
        match self.raw:
            case bool() | str():
                return escape_untrusted(json.dumps(self.raw, ensure_ascii=False), _SHOWN)
            case dict():
                return "a table"
            case list():
                return "an array"
            case _:
                return escape_untrusted(str(self.raw), _SHOWN)

    def _child(self, name: str, raw: object) -> Node:
        title = f"{escape_untrusted(name, _SHOWN)} in {self.title}"
        return Node(title, raw, self.file, (*self.key, name), self.lines)


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return '; did you mean "…"?' for the known name nearest to ``name``, or ""."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""


def whole(low: int, high: int) -> Callable[[Node], int]:
    """Return a check for a whole number from ``low`` to ``high``."""

    def check(node: Node) -> int:
        if isinstance(node.raw, int) and not isinstance(node.raw, bool) and low <= node.raw <= high:
            return node.raw
        raise node.error(f"must be a whole number from {low} to {high}, not {node.shown()}")

    return check


def number(low: float, high: float) -> Callable[[Node], float]:
    """Return a check for a number from ``low`` to ``high``; NaN is none."""

    def check(node: Node) -> float:
        if isinstance(node.raw, (int, float)) and not isinstance(node.raw, bool) and low <= node.raw <= high:
            return node.raw
        raise node.error(f"must be a number from {low} to {high}, not {node.shown()}")

    return check


def text(node: Node) -> str:
    """Check for a string that is not empty."""
    if isinstance(node.raw, str) and node.raw and "\0" not in node.raw:
        return node.raw
    raise node.error(f"must be a string that is not empty, not {node.shown()}")


def member(*choices: str) -> Callable[[Node], Any]:
    """Return a check for one of a few strings."""

    def check(node: Node) -> str:
        if isinstance(node.raw, str) and node.raw in choices:
            return node.raw
        spelled = " or ".join(f'"{choice}"' for choice in choices)
        raise node.error(f"must be {spelled}, not {node.shown()}")

    return check
