"""Streams of events in text: a statement to a line.

``good`` or ``good N``: as many typical events, numbered from 0 on over the whole stream. ``item {…}``: one
item in deterministic encoding, written in JSON, which is what CBOR's diagnostic notation is for such items.
``bytes …``: what `hexadecimal.py` spells. A line that begins with a blank goes on with the one before it.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

import cbor2

from wasmhost.audit.hexadecimal import BadHex, assemble

if TYPE_CHECKING:
    from collections.abc import Iterator

_STATEMENT: Final = re.compile(r"^(?:good|item|bytes)\b(?:[^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE)
_IGNORED: Final = re.compile(r"(?:[ \t]*(?:;;[^\n]*)?\n)*[ \t]*(?:;;[^\n]*)?\Z|(?:[ \t]*(?:;;[^\n]*)?\n)*")
_MOST_GOOD: Final = 10_000
_ACTOR: Final = {
    "realm": {"realm-id": 7},
    "serial-number": 1,
    "type": {"manufacturer": "lab", "name": "Echo", "version": "1.0.0"},
}


class BadStream(ValueError):
    """A line that is no statement: ``place`` is its offset in the text."""

    def __init__(self, place: int, complaint: str) -> None:
        super().__init__(complaint)
        self.place = place


def stream(text: str) -> bytes:
    """Turn text into the bytes of a stream.

    :raises BadStream: a line of it is no statement.
    """
    made = bytearray()
    number = 0
    for place, word, rest in _statements(text):
        try:
            if word == "good":
                count = _count(rest)
                for seq in range(number, number + count):
                    made += a_good_event(seq)
                number += count
            elif word == "item":
                made += cbor2.dumps(json.loads(rest), canonical=True)
            else:
                made += assemble(rest)
        except BadHex as error:
            raise BadStream(place + len(word) + error.place, str(error)) from None
        except ValueError as error:
            raise BadStream(place, f"no {word}: {error}") from None
    return bytes(made)


def _statements(text: str) -> Iterator[tuple[int, str, str]]:
    """Each statement's place, first word and the rest of it."""
    place = 0
    while True:
        ignored = _IGNORED.match(text, place)
        place = ignored.end() if ignored else place
        if place >= len(text):
            return
        statement = _STATEMENT.match(text, place)
        if statement is None:
            line = text[place:].split("\n", 1)[0]
            raise BadStream(place, f'a line begins with good, item or bytes, and this is "{line[:40]}"')
        word = re.split(r"\s", statement[0], maxsplit=1)[0]
        yield place, word, statement[0][len(word) :]
        place = statement.end()


def _count(rest: str) -> int:
    words = rest.split(";;")[0].split()
    count = int(words[0]) if words else 1
    if len(words) > 1 or not 0 < count <= _MOST_GOOD:
        raise ValueError(f"as many as 1 to {_MOST_GOOD:,}")
    return count


def a_good_event(seq: int) -> bytes:
    """An event as decent nodes send them, which names no source."""
    event = {
        "hook": "on_webrtc_connected",
        "seq": seq,
        "at": 1_795_410_003_544_380_196 + seq,
        "ctx": {"self-id": _ACTOR, "request-id": "r"},
        "event": {"peer": _ACTOR, "relayed": False},
    }
    return cbor2.dumps(event, canonical=True)
