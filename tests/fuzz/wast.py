"""Takes the modules out of a script of the WebAssembly test suite (``.wast``), with what is said of each.

Only as much of the text format as that needs: parentheses, strings, comments. Text is made a binary by
wasmtime's own reader, which makes one of much that is invalid.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from wasmtime import WasmtimeError, wat2wasm

if TYPE_CHECKING:
    from collections.abc import Iterator

_TOKEN: Final = re.compile(r'\(;|;\)|;;[^\n]*|"(?:[^"\\]|\\.)*"|[()]|[^\s()";]+|;', re.DOTALL)
_ESCAPE: Final = re.compile(rb'\\(?:([0-9a-fA-F]{2})|u\{([0-9a-fA-F_]+)\}|([tnr"\'\\]))')
_LETTERS: Final = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b'"': b'"', b"'": b"'", b"\\": b"\\"}
_BROKEN: Final = frozenset({"assert_malformed", "assert_invalid"})
VALID: Final = "valid"


class Module(NamedTuple):
    """One module of a script: its assertion, or `VALID`; and the binary, None where it is only text."""

    said: str
    wasm: bytes | None


def modules(script: str) -> Iterator[Module]:
    """Find the modules, and those that assertions are about."""
    for start, end, words in _forms(script):
        name = words[0]
        if name in {"module", "component"}:
            yield Module(VALID, _binary(script[start:end], words))
        elif name.startswith("assert_"):
            inner = next(_forms(script[start + 1 : end - 1]), None)
            if inner is not None and inner[2][0] in {"module", "component"}:
                said = name if name in _BROKEN else VALID
                text = script[start + 1 : end - 1][inner[0] : inner[1]]
                yield Module(said, _binary(text, inner[2]))


def _forms(text: str) -> Iterator[tuple[int, int, list[str]]]:
    """Each form in parentheses: from where to where, and its first few words."""
    depth = comment = start = 0
    words: list[str] = []
    for token in _TOKEN.finditer(text):
        word = token[0]
        if word in {"(;", ";)"} or comment:
            comment = max(0, comment + (word == "(;") - (word == ";)"))
        elif word == "(":
            if depth == 0:
                start, words = token.start(), []
            depth += 1
        elif word == ")":
            depth -= 1
            if depth == 0 and words:
                yield start, token.end(), words
        elif depth == 1 and len(words) < 4 and not word.startswith(";;"):
            words.append(word)


def _binary(text: str, words: list[str]) -> bytes | None:
    if "binary" in words[1:]:
        return b"".join(_unescaped(found[0][1:-1]) for found in _strings(text))
    if "quote" in words[1:]:
        text = b"\n".join(_unescaped(found[0][1:-1]) for found in _strings(text)).decode("utf-8", "replace")
    try:
        return bytes(wat2wasm(text))
    except WasmtimeError:
        return None


def _strings(text: str) -> Iterator[re.Match[str]]:
    return (token for token in _TOKEN.finditer(text) if token[0].startswith('"'))


def _unescaped(text: str) -> bytes:
    def meant(found: re.Match[bytes]) -> bytes:
        byte, point, letter = found.groups()
        if byte is not None:
            return bytes.fromhex(byte.decode())
        if point is not None:
            return chr(int(point.replace(b"_", b""), 16)).encode("utf-8", "surrogatepass")
        return _LETTERS[letter]

    return _ESCAPE.sub(meant, text.encode())
