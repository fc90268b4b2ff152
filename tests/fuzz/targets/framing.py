"""Frames from a shard, which a guest may have taken over: the host's reader gives frames, or `Garbled`.

The first byte says in which pieces the others come. Bodies are read as the host reads them, by their kind,
and whatever text is in them is fit to be shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.fuzz.targets.said import one_line
from wasmhost.sandbox.airlock import abi
from wasmhost.shards.framing import MAX_UPWARD, Frame, FrameReader, Garbled, Kind, encode
from wasmhost.shards.packing import Packer, Unpacker
from wasmhost.shards.turns import (
    COUNTS,
    Line,
    PanicTold,
    ReplyTold,
    Report,
    Section,
    State,
    read_line,
    read_turn,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wasmhost.shards.turns import Told

_SIZES: Final = (1, 2, 3, 5, 7, 64, 4096)
_LONGEST: Final = 8192


def check(data: bytes) -> None:
    """Read what a shard sent."""
    stream = data[1:]
    size = _SIZES[data[0] % len(_SIZES)] if data else 1
    whole, error = _read([stream])
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert _read(pieces) == (whole, error), "the pieces made a difference"
    assert sum(len(frame.body) for frame in whole) <= len(stream)
    for frame in whole:
        _check_body(frame)


def _read(pieces: list[bytes]) -> tuple[list[Frame], str]:
    reader = FrameReader(MAX_UPWARD)
    frames: list[Frame] = []
    try:
        for piece in pieces:
            frames.extend(reader.feed(piece))
            assert reader.waiting <= MAX_UPWARD + 5
    except Garbled as error:
        one_line(error)
        return frames, str(error)
    return frames, ""


def _check_body(frame: Frame) -> None:
    try:
        if frame.kind is Kind.TURN:
            turn = read_turn(frame.body)
            assert len(turn.counts) == len(COUNTS)
            for told in turn.told:
                _check_texts(told)
        elif frame.kind is Kind.LINES:
            source = Unpacker(frame.body)
            while source.more:
                _check_texts(read_line(source))
    except Garbled as error:
        one_line(error)


def _check_texts(told: Told) -> None:
    for text in _texts(told):
        assert len(text) <= _LONGEST
        assert text.isprintable(), f"a text that is not printable: {text[:80]!r}"
    match told:
        case Report(body=blob) | State(blob=blob):
            assert len(blob) <= abi.AREA_BYTES


def _texts(told: Told) -> Iterator[str]:
    match told:
        case Report(topic=topic):
            yield topic
        case PanicTold(hook=hook, message=message, backtrace=frames):
            yield from (hook, message, *frames)
        case Line(event=event, fields=fields):
            yield event
            _loggable(event, **fields)
            for name, value in fields.items():
                assert name.isascii(), "a name that is none in the log"
                assert name.isidentifier(), "a name that is two in the log"
                yield name
                if isinstance(value, str):
                    yield value
        case ReplyTold(error=error) if error is not None:
            yield error.kind
            yield error.message


def _loggable(event: str, **fields: object) -> None:
    """Take what a method of a logger takes: a field of the name of a parameter would raise here."""


def corpus() -> list[bytes]:
    """A turn with one of each in it, lines, and the empty ones."""
    turn = Packer()
    turn.u16(1)
    turn.u32(1)
    turn.u64(7)
    for name in COUNTS:
        turn.u64(name == "delivered")
    turn.u32(1)
    turn.u64(850)
    turn.u64(1)
    bare = bytes(turn.data)
    _sections(turn)
    line = Packer()
    _line(line)
    frames = [
        encode(Kind.TURN, turn.data),
        encode(Kind.TURN, bare),
        encode(Kind.LINES, line.data),
        encode(Kind.STOPPED),
        encode(Kind.REFUSED, b"\0\0no"),
    ]
    return [b"\3" + b"".join(frames), *(b"\1" + frame for frame in frames)]


def _sections(turn: Packer) -> None:
    turn.u8(Section.REPORT)
    turn.u64(7)
    turn.text("topic")
    turn.blob(b"\xf6")
    turn.u8(Section.PANIC)
    turn.u64(7)
    for text in ("on_start", "unreachable", "gave up \x1b[2J"):
        turn.text(text)
    turn.u32(1)
    turn.text("inner +0x1a")
    turn.u64(1000)
    turn.u64(0)
    turn.u8(Section.STATE)
    turn.blob(b"kept")
    turn.u8(Section.LINE)
    _line(turn)
    turn.u8(Section.REPLY)
    turn.u64(7)
    turn.u8(1)
    turn.text("internal")
    turn.text("no")
    turn.u8(Section.CONDITION)
    turn.u8(0)
    turn.u32(1)
    turn.text("on_start")
    turn.u32(1)
    turn.text("seen")
    turn.f64(1.5)
    turn.u64(3)


def _line(out: Packer) -> None:
    out.text("warning")
    out.text("what happened")
    out.u32(3)
    for number, name in enumerate(("none", "count", "share")):
        out.text(name)
        out.u8(number)
        (out.u8, out.u64, out.f64)[number](2)
