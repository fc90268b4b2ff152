"""What strangers say who want to do something to whoever reads it: one list, for all tests of text."""

from __future__ import annotations

import unicodedata
from typing import Final

from wasmhost.text import MAX_MARKS

FORGED: Final = 'x\r\ntimestamp=2026-01-01 level=error event="observer panicked; isolated" observer=other'

WORDS: Final[dict[str, bytes]] = {
    "c0": bytes(range(0x20)),
    "del and c1": b"\x7f" + "".join(map(chr, range(0x80, 0xA0))).encode(),
    "sgr": b"\x1b[31;5mred\x1b[0m",
    "title": b"\x1b]0;owned\x07",
    "link": b"\x1b]8;;http://example.com\x1b\\click\x1b]8;;\x1b\\",
    "8-bit csi": "\u009b2J".encode(),
    "bidi overrides": "\u202a\u202b\u202c\u202d\u202eevil".encode(),
    "bidi isolates": "\u2066\u2067\u2068\u2069\u061c\u200e\u200f".encode(),
    "zero width": "\u200b\u200c\u200d\u2060\u00ad\ufeffx".encode(),
    "line ends": "a\u2028b\u2029c\u0085d\x0be".encode(),
    "lone surrogate": b"\xed\xa0\x80\xed\xb0\x80",
    "broken": b"\xff\xfe\xc3(\xe2\x82\x80\x80",
    "nul": b"a\0b",
    "zalgo": ("Z" + "\u0301\u0337" * 300).encode(),
    "mark first": "\u0338\u20e0x".encode(),
    "long": b"\x1b" * 100_000,
    "forged line": FORGED.encode(),
    "forged fields": b'" observer=other event="observer panicked; isolated" x=\\',
    "private and unassigned": "\ue000\U000f0000\u0378\U0010ffff\ufff0".encode(),
    "tags": "\U000e0041\U000e007f".encode(),
    "invisible letters": "a\u3164\u115fb".encode(),
}

TEXTS: Final[dict[str, str]] = {
    name: word[:400].decode("utf-8", "ignore")
    for name, word in WORDS.items()
    if word[:400].decode("utf-8", "ignore")
}
"""Those that are Unicode, for places that take nothing else; short enough for each."""


def assert_harmless(shown: str | bytes, *, ascii_only: bool = False) -> None:
    """Fail where output holds what a terminal acts upon, newlines at the end of lines excepted."""
    text = shown if isinstance(shown, str) else shown.decode("utf-8")  # which must not fail
    run = MAX_MARKS  # none at the beginning
    for place, character in enumerate(text):
        if unicodedata.category(character)[0] == "M":
            run += 1
        else:
            run = MAX_MARKS if character == "\n" else 0
        fine = character == "\n" or (character.isprintable() and (run <= MAX_MARKS))
        around = ascii(text[max(0, place - 60) : place + 20])
        assert fine, f"U+{ord(character):04X} is shown raw: {around}"
        assert character.isascii() or not ascii_only, f"U+{ord(character):04X} in what is ASCII: {around}"
