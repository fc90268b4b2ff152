"""The splitter gives the same items however the bytes come, and none of them is lost."""

from __future__ import annotations

import tracemalloc
from itertools import pairwise

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.contract.strategies import TRACE, spellings
from tests.contract.vectors import MALFORMED, TRUNCATED
from wasmhost.contract.scan import scan
from wasmhost.contract.sequence import Item, MalformedStream, Splitter
from wasmhost.errors import SourceError

REFUSED = [bytes.fromhex(item) for item in ("c000", "9f01ff", "f7", "a10000", "a2616100616100", "61ff")]
items = spellings().map(lambda spelling: spelling[1]) | st.sampled_from(REFUSED)


def read(chunks: list[bytes], splitter: Splitter | None = None) -> tuple[list[Item], tuple[int, str] | None]:
    """Push all chunks and finish; the items, and the offset and reason of the error at the end."""
    splitter = splitter or Splitter()
    found: list[Item] = []
    try:
        for chunk in chunks:
            found += splitter.push(chunk)
        splitter.finish()
    except MalformedStream as error:
        return found, (error.offset, error.reason)
    return found, None


def cut(data: bytes, places: list[int]) -> list[bytes]:
    """Cut bytes at some places."""
    edges = [0, *sorted(min(place, len(data)) for place in places), len(data)]
    return [data[begin:end] for begin, end in pairwise(edges)]


@given(
    st.lists(items, max_size=6), st.sampled_from([b"", *MALFORMED, *TRUNCATED]), st.lists(st.integers(0, 120))
)
@example([b"\xa1\x61a\x00"], b"", list(range(8)))
def test_the_pieces_do_not_matter(sequence: list[bytes], tail: bytes, places: list[int]) -> None:
    """Good items, refused ones and a broken tail come out alike, in one piece and in any others."""
    data = b"".join(sequence) + tail
    found, error = read([data])
    assert [item.data for item in found][: len(sequence)] == sequence
    assert (error is None) == (tail == b"")
    assert read(cut(data, places)) == (found, error)
    assert read([data[i : i + 1] for i in range(len(data))]) == (found, error)


def test_items_say_where_they_begin() -> None:
    """Offsets count the bytes of the whole stream."""
    splitter = Splitter()
    assert splitter.push(b"\x00\x61") == [Item(0, b"\x00", None, True)]
    assert splitter.push(b"\x61\x01") == [Item(1, b"\x61a", None, True), Item(3, b"\x01", None, True)]
    splitter.finish()
    assert splitter.offset == 4


def test_the_real_trace_comes_apart_into_its_65_events() -> None:
    """From a file read in blocks of any size."""
    data = TRACE.read_bytes()
    for size in (len(data), 4096, 7):
        found, error = read([data[i : i + size] for i in range(0, len(data), size)])
        assert error is None
        assert len(found) == 65
        assert b"".join(item.data or b"" for item in found) == data
        assert all(item.problem is None for item in found)


def test_the_items_in_front_of_a_malformed_one_are_not_lost() -> None:
    """They are returned, the error waits in `error`, and every later call raises it."""
    splitter = Splitter()
    assert splitter.push(b"\x01\x02\x82\x00\x1c\x03") == [
        Item(0, b"\x01", None, True),
        Item(1, b"\x02", None, True),
    ]
    assert isinstance(splitter.error, SourceError)
    assert splitter.error.offset == 2
    for _ in range(2):
        with pytest.raises(
            MalformedStream, match=r"the item at byte 2 is malformed: reserved .* 28 at byte 4"
        ):
            splitter.push(b"\x00")
    with pytest.raises(MalformedStream):
        splitter.finish()


def test_a_malformed_item_with_none_in_front_raises_at_once() -> None:
    """There is nothing to return, so nothing waits."""
    splitter = Splitter()
    splitter.push(b"\x01")
    with pytest.raises(MalformedStream, match="the item at byte 1 is malformed: a break"):
        splitter.push(b"\xff")


def test_a_truncated_stream_is_an_error_at_its_end() -> None:
    """With the offset at which the incomplete item begins, and where the bytes ended."""
    splitter = Splitter()
    splitter.push(b"\x01\x63ab")
    with pytest.raises(MalformedStream, match="the item at byte 1 is truncated: the stream ends at byte 4"):
        splitter.finish()


def test_an_empty_stream_has_no_items_and_no_error() -> None:
    """Zero items are a sequence as well."""
    assert read([]) == ([], None)
    assert read([b"", b""]) == ([], None)


def test_an_item_too_large_is_skipped_and_named() -> None:
    """What follows it is read as if nothing had been."""
    large = cbor2.dumps(bytes(70_000))
    for chunks in (
        [large + b"\x01"],
        cut(large + b"\x01", [1, 3, 60_000, 70_004]),
        cut(large + b"\x01", [70_005]),
    ):
        assert read(chunks) == (
            [Item(0, None, "the item takes 70005 bytes, over 65536"), Item(70_005, b"\x01", None, True)],
            None,
        )


def test_a_gibibyte_string_passes_in_bounded_memory() -> None:
    """Nothing of it is kept."""
    splitter = Splitter()
    chunk = bytes(1 << 20)
    tracemalloc.start()
    try:
        assert splitter.push(b"\x5a\x40\x00\x00\x00") == []
        found = [item for _ in range(1024) for item in splitter.push(chunk)]
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found == [Item(0, None, f"the item takes {(1 << 30) + 5} bytes, over 65536")]
    assert peak < 1 << 18
    assert splitter.push(b"\x01") == [Item((1 << 30) + 5, b"\x01", None, True)]


def test_a_large_array_of_refused_things_passes_in_bounded_memory() -> None:
    """The same for an item made of many small ones, tags and indefinite lengths among them."""
    splitter = Splitter()
    tracemalloc.start()
    try:
        assert splitter.push(b"\x9f") == []
        for _ in range(40):
            assert splitter.push(b"\xc1\x81\x9f\x61a\xff" * 500) == []
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 18
    assert splitter.push(b"\xff") == [Item(0, None, "the item takes 120002 bytes, over 65536")]


def test_the_largest_item_may_come_byte_by_byte() -> None:
    """In time linear in its size: looking at it anew for each byte would run into the time limit."""
    data = cbor2.dumps([0] * 65_533)
    assert len(data) == 65_536
    found, error = read([data[i : i + 1] for i in range(len(data))])
    assert (found, error) == ([Item(0, data, None, True)], None)


@pytest.mark.parametrize("data", MALFORMED, ids=bytes.hex)
def test_malformed_vectors_end_the_stream(data: bytes) -> None:
    """All of RFC 8949's, in one piece and byte by byte."""
    for chunks in ([data], [bytes([byte]) for byte in data]):
        found, error = read(chunks)
        assert found == []
        assert error is not None
        assert error[1].startswith("is malformed")


@pytest.mark.parametrize("item", REFUSED, ids=bytes.hex)
def test_the_splitter_names_the_problems_the_scan_names(item: bytes) -> None:
    """One wording, whoever looks."""
    assert read([item])[0] == [Item(0, item, scan(item).problem)]
