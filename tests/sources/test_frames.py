"""One stream's bytes become its events, wherever the bytes are cut."""

from __future__ import annotations

import itertools

import cbor2
from hypothesis import given
from hypothesis import strategies as st

from tests.sources.helpers import ends, event, frames, hello, rejected
from wasmhost.sources.base import SourceEnded, SourceItem
from wasmhost.sources.frames import FrameReader


def read(*chunks: bytes) -> list[SourceItem]:
    """Return what a stream that comes in ``chunks`` gives, its end included."""
    reader = FrameReader("here")
    items = [item for chunk in chunks for item in reader.push(chunk)]
    return items + reader.finish()


def test_events_without_src_get_the_streams_name() -> None:
    """An event's own src wins."""
    assert frames(read(event(0) + event(1, src="node"))) == [("here", 0), ("node", 1)]


def test_hello_names_the_stream() -> None:
    """The hello is no event; it names all that follows, and the end too."""
    items = read(hello("node-9") + event(0) + event(1, src="other"))
    assert frames(items) == [("node-9", 0), ("other", 1)]
    assert ends(items) == [SourceEnded("node-9", len(hello("node-9") + event(0) + event(1, src="other")))]
    assert len(items) == 3


def test_hello_later_on_is_rejected() -> None:
    """Nobody can change the name in the middle."""
    items = read(event(0) + hello("late") + event(1))
    assert frames(items) == [("here", 0), ("here", 1)]
    (skipped,) = rejected(items)
    assert skipped.offset == len(event(0))


def test_broken_hello_is_rejected_and_the_stream_goes_on() -> None:
    """A first item that means to be a hello and is none is skipped like any bad item."""
    items = read(cbor2.dumps({"hello": 2, "src": 1}, canonical=True) + event(0))
    assert frames(items) == [("here", 0)]
    assert len(rejected(items)) == 1


def test_items_that_break_the_contract_are_named_and_skipped() -> None:
    """A tag, a wrong schema, an item too large: each is reported with its offset, the rest is delivered."""
    bad = [cbor2.dumps(cbor2.CBORTag(1, 1)), cbor2.dumps({"hook": 1}), cbor2.dumps(b"x" * 70_000)]
    items = read(event(0) + bad[0] + bad[1] + event(1) + bad[2] + event(2))
    assert [seq for _, seq in frames(items)] == [0, 1, 2]
    start = len(event(0))
    assert [item.offset for item in rejected(items)] == [
        start,
        start + len(bad[0]),
        start + len(bad[0]) + len(bad[1]) + len(event(1)),
    ]
    assert all(item.reason for item in rejected(items))


def test_malformed_item_ends_the_stream_at_its_offset() -> None:
    """What came before is delivered, what comes after is not looked at."""
    good = event(0) + event(1)
    items = read(good + b"\xff" + event(2), event(3))
    assert [seq for _, seq in frames(items)] == [0, 1]
    (end,) = ends(items)
    assert end.offset == len(good)
    assert end.error is not None
    assert f"byte {len(good)} is malformed" in end.error


def test_truncated_item_ends_the_stream_at_its_offset() -> None:
    """A last event that was cut off is told with the byte where it began."""
    items = read(event(0) + event(1)[:-1])
    (end,) = ends(items)
    assert end.offset == len(event(0))
    assert end.error is not None
    assert "truncated" in end.error


def test_failure_and_cut() -> None:
    """A failing disk is an error of the stream, our own stopping is none; both end it once."""
    failing, stopped = FrameReader("a"), FrameReader("b")
    failing.push(event(0)[:5])
    stopped.push(event(0)[:5])
    assert failing.finish(failure="input/output error") == [
        SourceEnded("a", 5, "cannot be read on at byte 5: input/output error")
    ]
    assert stopped.cut() == [SourceEnded("b", 5)]
    assert failing.finish() == stopped.cut() == failing.push(event(0)) == []


PIECES = st.one_of(
    st.integers(0, 99).map(event),
    st.integers(0, 99).map(lambda seq: event(seq, src="node")),
    st.sampled_from(
        [
            hello("me"),
            b"\x01",
            b"\xf7",
            b"\xc1\x01",
            b"\x9f\xff",
            b"\x1c",
            b"\x62a",
            cbor2.dumps(b"x" * 70_000),
        ]
    ),
)


@given(pieces=st.lists(PIECES, max_size=8), cuts=st.lists(st.integers(0, 100_000), max_size=5))
def test_the_cutting_into_chunks_makes_no_difference(pieces: list[bytes], cuts: list[int]) -> None:
    """Same bytes, same items, and always exactly one end."""
    stream = b"".join(pieces)
    places = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    chunked = read(*(stream[start:end] for start, end in itertools.pairwise(places)))
    assert chunked == read(stream)
    assert len(ends(chunked)) == 1
    assert isinstance(chunked[-1], SourceEnded)
