"""WebAssembly text, by the engine's own assembler, and what stands in for the linker that WAT has not.

A source that is a whole ``(module …)`` is assembled as it is. Otherwise it is the fields of a module, and
those fields of the SDK that it uses, or that those use in turn, are added: an import that nothing calls
would ask the operator for something, and a function that nothing calls would only cost. The SDK's README
says it to authors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

import wasmtime

from wasmhost.authoring.sections import strip_debug
from wasmhost.authoring.toolchains.base import BuildError, Built, SourceRefused
from wasmhost.sandbox.sections import read_u32, sections

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from wasmhost.authoring.toolchains.base import Job

_TOKEN: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|;;[^\n]*|\(;|[()]|[^\s()";]+')
_COMMENT_EDGE: Final = re.compile(r"\(;|;\)")
_TEXTS_START: Final = 0x4000
"""Where texts begin; below them is the SDK's and the author's own memory."""
_DATA: Final = 11  # the kind of section that holds a module's data


def build(job: Job) -> Built:
    """Assemble an observer. The source is its one file."""
    name = job.source.name
    source = _read(job.source)
    if [token[0] for token in islice(_tokens(source), 2)] != ["(", "module"]:
        source = _assemble(name, source, job.sdk)
    try:
        module = bytes(wasmtime.wat2wasm(source))
        wasmtime.Module(wasmtime.Engine(), module)  # the assembler looks at no types; this names the function
    except wasmtime.WasmtimeError as error:
        said = str(error).replace("<anon>", name).strip()
        raise BuildError(f"{name} is no valid WebAssembly text", said) from error
    job.out.write_bytes(strip_debug(module))
    return Built()


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of a module, such as ``(func $name …)``: its text, and the words in it."""

    text: str
    words: list[str]

    @property
    def name(self) -> str:
        """What it defines: the word behind its kind, or behind the kind of what it imports; "" for none."""
        word = "".join(self.words[6:7] if self.is_import else self.words[2:3])
        return word if word.startswith("$") else ""

    @property
    def is_import(self) -> bool:
        return self.words[1:2] == ["import"]

    @property
    def is_export(self) -> bool:
        return "export" in self.words


def _assemble(name: str, source: str, sdk: Path) -> str:
    """The whole module. The author's lines keep their numbers, so that errors name them."""
    own = _fields(name, source)
    offered = [field for path in sorted(sdk.glob("*.wat")) for field in _fields(path.name, _read(path))]
    needed = _needed(own, offered)
    imports = " ".join(field.text for field in needed if field.is_import)
    others = "\n".join(field.text for field in needed if not field.is_import)
    return _place_texts(name, f"(module {imports} {source}\n{others}")


def _needed(own: list[_Field], sdk: list[_Field]) -> list[_Field]:
    """The SDK's fields that are used, in their order. One whose name the author has too gives way."""
    defined = {field.name for field in own}
    offered = {field.name: field for field in sdk if field.name not in defined}
    wanted = [field.name for field in offered.values() if field.is_export]
    wanted += [word for field in own for word in field.words]
    needed: set[str] = set()
    while wanted:
        name = wanted.pop()
        if name in offered and name not in needed:
            needed.add(name)
            wanted += offered[name].words
    return [field for name, field in offered.items() if name in needed]


def _place_texts(name: str, source: str) -> str:
    """Give each ``(text "…")`` its place in memory, equal ones the same; close the module behind them."""
    places: dict[str, str] = {}
    end = _TEXTS_START
    placed = ""
    done = 0
    for first, text, last in _texts(source):
        literal = text[0]
        if literal not in places:
            size = _size(literal, _place(name, source, text.start()))
            places[literal] = f"(i32.const {end}) (i32.const {size})"
            end += size
        lines = "\n" * source.count("\n", first.start(), last.end())
        placed += source[done : first.start()] + places[literal] + lines
        done = last.end()
    data = f"(data (i32.const {_TEXTS_START}) {' '.join(places)})" if places else ""
    heap = (end + 15) & ~15
    return f"{placed}{source[done:]}\n{data}\n(global $heap i32 (i32.const {heap})))"


def _texts(source: str) -> Iterator[tuple[re.Match[str], re.Match[str], re.Match[str]]]:
    """Each ``(text "…")``: its first parenthesis, its string, its last."""
    tokens = list(_tokens(source))
    for first, word, text, last in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):
        if (first[0], word[0], text[0][0], last[0]) == ("(", "text", '"', ")"):
            yield first, text, last


def _size(literal: str, place: str) -> int:
    """How many bytes the assembler makes of a string.

    :raises SourceRefused: it is none. Said here, as the string goes behind the author's lines.
    """
    try:
        module = bytes(wasmtime.wat2wasm(f"(module (data {literal}))"))
    except wasmtime.WasmtimeError as error:
        reason = str(error).partition("\n")[0]
        raise SourceRefused(f"{place}: {reason}") from error
    (data,) = [section.body for section in sections(module) if section.kind == _DATA]
    return read_u32(data, 2)[0]  # behind how many there are, and what kind this one is


def _fields(name: str, source: str) -> list[_Field]:
    """Take a text apart. The assembler would not see an unbalanced field end before the SDK's behind it.

    :raises SourceRefused: a parenthesis is not closed, or closes nothing.
    """
    found: list[_Field] = []
    depth = start = 0
    words: list[str] = []
    for token in _tokens(source):
        word = token[0]
        if depth == 0:
            start, words = token.start(), []
        words.append(word)
        depth += (word == "(") - (word == ")")
        if depth < 0:
            raise SourceRefused(f"{_place(name, source, start)}: a parenthesis closes nothing")
        if depth == 0:
            found.append(_Field(source[start : token.end()], words))
    if depth > 0:
        raise SourceRefused(f"{_place(name, source, start)}: a parenthesis is not closed")
    return found


def _tokens(source: str) -> Iterator[re.Match[str]]:
    """The words, strings and parentheses of a text, without its comments."""
    at = 0
    while token := _TOKEN.search(source, at):
        at = token.end()
        if token[0] == "(;":
            at = _behind_comment(source, at)
        elif not token[0].startswith(";;"):
            yield token


def _behind_comment(source: str, at: int) -> int:
    """Where a ``(; … ;)`` ends; there may be others in it. One that is not closed takes all the rest."""
    depth = 1
    for edge in _COMMENT_EDGE.finditer(source, at):
        depth += 1 if edge[0] == "(;" else -1
        if depth == 0:
            return edge.end()
    return len(source)


def _place(name: str, source: str, at: int) -> str:
    """As compilers say it: the file and the line."""
    line = source.count("\n", 0, at) + 1
    return f"{name}:{line}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BuildError(f"{path.name} cannot be read: it must be a file of UTF-8 text") from error
