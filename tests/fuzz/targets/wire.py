"""A connection's bytes, whatever they are: it ends once, takes each number once, and says what is true.

The first byte says in which pieces the others come, and whether a token is asked for.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, cast

import cbor2

from tests.contract.strategies import TRACE
from tests.fuzz.targets.said import one_line
from wasmhost.config.source import SourceConfig
from wasmhost.contract.codec import Frame
from wasmhost.contract.sequence import Splitter
from wasmhost.sources.base import Rejected, SourceEnded, SourceItem
from wasmhost.sources.connection import Connection
from wasmhost.sources.hall import Hall, WireCounts
from wasmhost.sources.srcs import SrcTable
from wasmhost.sources.tokens import Tokens

if TYPE_CHECKING:
    import socket

    from wasmhost.sources.doors import Door

_SIZES: Final = (1, 2, 3, 7, 64, 1000, 4096)
_WORDS: Final = {"token", "hello", "taken", "oversized", "malformed"}


class _Socket:
    """A peer that has said all it will, in pieces, and hung up."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self.told = b""

    def recv(self, _size: int) -> bytes:
        return self._pieces.pop(0) if self._pieces else b""

    def send(self, data: bytes) -> int:
        self.told += data
        return len(data)

    def shutdown(self, _how: int) -> None:
        pass

    def close(self) -> None:
        pass


class _Door:
    def identify(self, _connection: object) -> str:
        return "somebody"


def check(data: bytes) -> None:
    """Read a connection to its end, whole and in pieces."""
    stream, how = data[1:], data[0] if data else 0
    size = _SIZES[how % len(_SIZES)]
    whole = _read([stream[at : at + 16_384] for at in range(0, len(stream), 16_384)], asked=how > 127)
    pieces = _read([stream[at : at + size] for at in range(0, len(stream), size)], asked=how > 127)
    assert [item for item in whole if isinstance(item, Frame)] == [
        item for item in pieces if isinstance(item, Frame)
    ], "the pieces made a difference"


def _read(pieces: list[bytes], *, asked: bool) -> list[SourceItem]:
    peer = _Socket(pieces)
    hall = Hall(
        settings=SourceConfig(),
        door=cast("Door", _Door()),
        tokens=Tokens(["t"]) if asked else None,
        srcs=SrcTable(10),
        counts=WireCounts(),
        clock=lambda: 0.0,
        turn_wanted=lambda _connection: None,
        answer_due=lambda connection: connection.answer(),
        writing=lambda _connection, _wanted: None,
    )
    connection = Connection(cast("socket.socket", peer), "here", hall)
    items: list[SourceItem] = []
    while not connection.over:
        items += connection.read()
        connection.settle()
    source = connection._frames.source
    answered = connection._src is not None
    connection.close()
    assert sum(isinstance(item, SourceEnded) for item in items) == 1
    numbers = [item.seq for item in items if isinstance(item, Frame) and item.src == source]
    assert not answered or all(before < after for before, after in pairwise(numbers))
    _check_answers(peer.told, numbers, answered=answered)
    for item in items:
        if isinstance(item, Rejected):
            one_line(ValueError(item.reason))
    return items


def _check_answers(told: bytes, numbers: list[int], *, answered: bool) -> None:
    answers: list[dict[str, Any]] = [cbor2.loads(item.data or b"") for item in Splitter().push(told)]
    if answers and "error" in answers[-1]:
        assert answers.pop()["error"].partition(":")[0] in _WORDS
    assert bool(answers) == answered
    if answered:
        assert answers[0] == {"welcome": 1}
        acknowledged = [answer["ack"] for answer in answers[1:]]
        assert acknowledged == sorted(set(acknowledged))
        assert not numbers or acknowledged[-1] >= numbers[-1]


def corpus() -> list[bytes]:
    """Hellos of all kinds, with the real trace behind them."""
    trace = TRACE.read_bytes()[:3000]
    hellos: list[dict[str, object]] = [
        {"hello": 1, "src": "n"},
        {"ack": True, "hello": 1, "src": "n"},
        {"ack": True, "hello": 1, "src": "n", "token": "t"},
        {"hello": 2, "src": "n"},
    ]
    openings = [cbor2.dumps(hello, canonical=True) for hello in hellos]
    return [bytes([how]) + opening + trace for opening in openings for how in (5, 131)]
