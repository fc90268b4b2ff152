"""WebAssembly text, by the engine's own assembler, and what stands in for the linker that WAT has not.

A source that is a whole ``(module …)`` is assembled as it is. Otherwise it is the fields of a module, and
those fields of the SDK that it uses, or that those use in turn, are added: an import that nothing calls
would ask the operator for something, and a function that nothing calls would only cost. The SDK's README
says it to authors.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import wasmtime

from wasmhost.authoring.sections import strip_debug
from wasmhost.authoring.toolchains.base import BuildError, Built

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from wasmhost.authoring.toolchains.base import Job

_COMMENT: Final = r";;[^\n]*|\(;.*?;\)"
_STRING: Final = r'"(?:[^"\\\n]|\\.)*"'
_TOKEN: Final = re.compile(rf'{_COMMENT}|{_STRING}|[()]|[^\s()";]+', re.DOTALL)
_TEXT: Final = re.compile(rf"{_COMMENT}|\(text[ \t]+({_STRING})[ \t]*\)|{_STRING}", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\u\{([0-9a-fA-F][0-9a-fA-F_]*)\}|\\[0-9a-fA-F]{2}|\\.")
_TEXTS_START: Final = 0x4000
"""Where texts begin; below them is the SDK's and the author's own memory."""


def build(job: Job) -> Built:
    """Assemble an observer. The source is its one file."""
    source = _read(job.source)
    if _words(source)[:2] != ["(", "module"]:
        _check_balance(job.source.name, source)
        source = _assemble(source, [_read(path) for path in sorted(job.sdk.glob("*.wat"))])
    try:
        module = bytes(wasmtime.wat2wasm(source))
        wasmtime.Module(wasmtime.Engine(), module)  # the assembler looks at no types; this names the function
    except wasmtime.WasmtimeError as error:
        said = str(error).replace("<anon>", job.source.name).strip()
        raise BuildError(f"{job.source.name} is no valid WebAssembly text", said) from error
    job.out.write_bytes(strip_debug(module))
    return Built()


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a module, such as ``(func $name …)``: its text, and the words in it."""

    text: str
    words: list[str]

    @property
    def name(self) -> str | None:
        """What it defines: the word behind its kind, or behind the kind of what it imports."""
        at = 6 if self.is_import else 2
        return next((word for word in self.words[at : at + 1] if word.startswith("$")), None)

    @property
    def is_import(self) -> bool:
        return self.words[1:2] == ["import"]

    @property
    def is_export(self) -> bool:
        return "export" in self.words


def _assemble(source: str, sdk: Iterable[str]) -> str:
    """The whole module. The author's lines keep their numbers, so that errors name them."""
    own = _fields(source)
    needed = _needed(own, [field for text in sdk for field in _fields(text)])
    imports = " ".join(field.text for field in needed if field.is_import)
    others = "\n".join(field.text for field in needed if not field.is_import)
    return _place_texts(f"(module {imports} {source}\n{others}")


def _needed(own: list[_Field], sdk: list[_Field]) -> list[_Field]:
    """The SDK's fields that are used, in their order. One whose name the author has too gives way."""
    defined = {field.name for field in own}
    left = [field for field in sdk if field.name not in defined]
    used = {word for field in own for word in field.words}
    needed: set[int] = set()
    while more := {
        place
        for place, field in enumerate(left)
        if place not in needed and (field.is_export or field.name in used)
    }:
        needed |= more
        used.update(word for place in more for word in left[place].words)
    return [left[place] for place in sorted(needed)]


def _place_texts(source: str) -> str:
    """Give each ``(text "…")`` its place in memory, equal ones the same; close the module behind them."""
    places: dict[str, int] = {}
    end = _TEXTS_START

    def place(match: re.Match[str]) -> str:
        nonlocal end
        literal = match[1]
        if literal is None:
            return match[0]
        size = _size(literal)
        if literal not in places:
            places[literal] = end
            end += size
        return f"(i32.const {places[literal]}) (i32.const {size})"

    placed = _TEXT.sub(place, source)
    data = f"(data (i32.const {_TEXTS_START}) {' '.join(places)})" if places else ""
    heap = (end + 15) & ~15
    return f"{placed}\n{data}\n(global $heap i32 (i32.const {heap})))"


def _size(literal: str) -> int:
    """How many bytes a string of the text format is; whether it is a valid one, the assembler says."""

    def one(match: re.Match[str]) -> str:
        return chr(min(int(match[1].replace("_", ""), 16), sys.maxunicode)) if match[1] else "."

    return len(_ESCAPE.sub(one, literal[1:-1]).encode(errors="replace"))


def _fields(source: str) -> list[_Field]:
    found: list[_Field] = []
    depth = start = 0
    words: list[str] = []
    for match in _TOKEN.finditer(source):
        word = match[0]
        if _is_comment(word):
            continue
        if depth == 0:
            start, words = match.start(), []
        words.append(word)
        depth += (word == "(") - (word == ")")
        if depth == 0:
            found.append(_Field(source[start : match.end()], words))
    return found


def _check_balance(name: str, source: str) -> None:
    """Name the field that is not closed: the assembler would name one of the SDK's, which come behind it."""
    depth = start = 0
    for match in _TOKEN.finditer(source):
        if depth == 0:
            start = match.start()
        depth += (match[0] == "(") - (match[0] == ")")
        if depth < 0:
            break
    if depth:
        line = source.count("\n", 0, start) + 1
        wrong = "is not closed" if depth > 0 else "closes nothing"
        raise BuildError(f"{name}:{line}: a parenthesis {wrong}")


def _words(source: str) -> list[str]:
    return [word for word in _TOKEN.findall(source) if not _is_comment(word)]


def _is_comment(word: str) -> bool:
    return word.startswith((";;", "(;"))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(f"{path.name} cannot be read: it must be a file of UTF-8 text") from error
