"""Frames: what was written is read, however it comes; anything else is named garbled, and held in bounds."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasmhost.shards.framing import Frame, FrameReader, Garbled, Kind, encode

FRAMES = st.lists(st.tuples(st.sampled_from(Kind), st.lists(st.binary(max_size=40), max_size=3)), max_size=6)


@given(FRAMES, st.lists(st.integers(0, 200), max_size=8))
def test_frames_come_out_as_they_went_in_wherever_they_are_cut(
    frames: list[tuple[Kind, list[bytes]]], cuts: list[int]
) -> None:
    """Bodies in pieces too; and nothing is left over."""
    stream = b"".join(encode(kind, *pieces) for kind, pieces in frames)
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    reader = FrameReader(120)
    found: list[Frame] = []
    for begin, end in pairwise(places):
        found.extend(reader.feed(stream[begin:end]))
    assert found == [Frame(kind, b"".join(pieces)) for kind, pieces in frames]
    assert reader.waiting == 0


def test_a_frame_too_long_is_refused_before_its_body_comes() -> None:
    """What it says of its length is enough; just the limit is none too many."""
    reader = FrameReader(10)
    assert list(reader.feed(encode(Kind.TURN, bytes(10)))) == [Frame(Kind.TURN, bytes(10))]
    with pytest.raises(Garbled, match="a frame of 11 bytes, more than 10"):
        list(reader.feed(encode(Kind.TURN, bytes(11))[:5]))


@pytest.mark.parametrize("kind", sorted({0, 5, 15, 21, 255} - set(Kind)))
def test_a_kind_that_there_is_not_is_garbled(kind: int) -> None:
    """Also with an empty body."""
    with pytest.raises(Garbled, match=f"unknown kind {kind}"):
        list(FrameReader(10).feed(bytes([0, 0, 0, 0, kind])))


def test_the_frames_in_front_of_a_garbled_one_are_given() -> None:
    """What a shard said before it went wrong counts."""
    frames = FrameReader(10).feed(encode(Kind.TURN, b"ok") + b"\0\0\0\0\0")
    assert next(frames) == Frame(Kind.TURN, b"ok")
    with pytest.raises(Garbled):
        next(frames)


def test_frames_that_were_not_taken_yet_are_not_lost() -> None:
    """Who stops in the middle finds the rest with what is received next."""
    reader = FrameReader(10)
    first = reader.feed(encode(Kind.TURN, b"1") + encode(Kind.TURN, b"2"))
    assert next(first).body == b"1"
    del first
    assert [frame.body for frame in reader.feed(b"")] == [b"2"]
