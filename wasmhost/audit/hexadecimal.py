"""Bytes in text that can be reviewed, for what no assembler would make.

Hex digits in pairs, ``"text"`` with the escapes of WebAssembly text, ``HH*N`` for a byte N times, ``leb:N``
for a number in LEB128, and ``{ … }`` for a section's or a name's bytes with their number, in LEB128, in
front. ``;;`` begins a comment, and the marks of `repeat.py` may stand anywhere.
"""

from __future__ import annotations

import re
from typing import Final

from wasmhost.sandbox.sections import vector, write_u32

_MOST: Final = 64 * 1024 * 1024
_TOKEN: Final = re.compile(
    r"(?P<blank>\s+|;;[^\n]*|\(;.*?;\))"
    r"|(?P<open>\{)|(?P<close>\})"
    r"|leb:(?P<number>\d+)"
    r"|(?P<byte>[0-9a-fA-F]{2})\*(?P<times>[\d_]+)"
    r"|(?P<hex>(?:[0-9a-fA-F]{2})+)"
    r'|"(?P<text>(?:[^"\\\n]|\\.)*)"',
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\([0-9a-fA-F]{2}|[nrt\"'\\])")
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "\\": "\\"}


class BadHex(ValueError):
    """What is no byte: ``place`` is its offset in the text."""

    def __init__(self, place: int, complaint: str) -> None:
        super().__init__(complaint)
        self.place = place


def assemble(text: str) -> bytes:
    """Turn text into the bytes it spells.

    :raises BadHex: a part of it spells none.
    """
    open_at: list[int] = []
    parts = [bytearray()]
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            raise BadHex(place, f"neither hex digits nor anything else that spells bytes: {text[place]!r}")
        if token["open"]:
            open_at.append(place)
            parts.append(bytearray())
        elif token["close"]:
            if not open_at:
                raise BadHex(place, "} without a { before it")
            open_at.pop()
            body = parts.pop()
            parts[-1] += vector(bytes(body))
        elif not token["blank"]:
            parts[-1] += _bytes(token, place)
        place = token.end()
    if open_at:
        raise BadHex(open_at[-1], "{ without a }")
    return bytes(parts[0])


def _bytes(token: re.Match[str], place: int) -> bytes:
    if token["number"]:
        return write_u32(int(token["number"]))
    if token["byte"]:
        times = int(token["times"])
        if times > _MOST:
            raise BadHex(place, f"it comes to more than {_MOST:,} bytes")
        return bytes.fromhex(token["byte"]) * times
    if token["hex"]:
        return bytes.fromhex(token["hex"])
    return _text(token["text"], place)


def _text(spelt: str, place: int) -> bytes:
    out = bytearray()
    at = 0
    while at < len(spelt):
        escape = _ESCAPE.match(spelt, at)
        if escape is None:
            if spelt[at] == "\\":
                raise BadHex(place, f"an escape that there is not: {spelt[at : at + 3]!r}")
            out += spelt[at].encode()
            at += 1
        else:
            out += _LETTERS[escape[1]].encode() if escape[1] in _LETTERS else bytes.fromhex(escape[1])
            at = escape.end()
    return bytes(out)
