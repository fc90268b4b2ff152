"""Values in bodies: each comes back as it was written, and nothing is believed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasmhost.shards.framing import Garbled
from wasmhost.shards.packing import Packer, Unpacker
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Callable

ANY_TEXT = st.text(st.characters(), max_size=40)


@given(
    st.integers(0, 2**8 - 1),
    st.integers(0, 2**16 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.floats(),
    st.binary(max_size=50),
)
def test_values_come_back_in_their_order(
    byte: int, short: int, word: int, number: int, real: float, blob: bytes
) -> None:
    """All kinds of them; infinities and what is no number too."""
    out = Packer()
    out.u8(byte)
    out.u16(short)
    out.u32(word)
    out.u64(number)
    out.f64(real)
    out.blob(blob)
    source = Unpacker(bytes(out.data))
    assert (source.u8(), source.u16(), source.u32(), source.u64()) == (byte, short, word, number)
    found = source.f64()
    assert found == real or (math.isnan(found) and math.isnan(real))
    assert source.more
    assert source.blob(50) == blob
    assert not source.more
    source.end()


@given(ANY_TEXT, st.integers(10, 40))
def test_text_comes_back_fit_to_be_shown(text: str, limit: int) -> None:
    """Whatever was written: escaped, and cut to its limit; with half a surrogate pair a question mark."""
    out = Packer()
    out.text(text)
    if len(out.data) - 4 > 4 * limit:
        return
    shown = Unpacker(bytes(out.data)).text(limit)
    assert shown == escape_untrusted(text.encode("utf-8", "replace").decode(), limit)
    assert shown.isprintable()
    assert len(shown) <= limit


READS: list[Callable[[Unpacker], object]] = [
    Unpacker.u8,
    Unpacker.u16,
    Unpacker.u32,
    Unpacker.u64,
    Unpacker.f64,
    lambda source: source.blob(16),
    lambda source: source.text(16),
    lambda source: source.count(16),
    lambda source: source.raw(5),
    Unpacker.end,
]


@given(st.binary(max_size=40), st.lists(st.sampled_from(READS), max_size=8))
def test_any_bytes_are_values_or_garbled(data: bytes, reads: list[Callable[[Unpacker], object]]) -> None:
    """And never another error."""
    source = Unpacker(data)
    try:
        for read in reads:
            read(source)
    except Garbled:
        pass


def test_what_is_longer_than_it_may_be_is_garbled() -> None:
    """By what it says, before any of it is there."""
    huge = b"\xff\xff\xff\xff"
    with pytest.raises(Garbled, match=r"4,294,967,295 bytes where 64 are the most"):
        Unpacker(huge).blob(64)
    with pytest.raises(Garbled, match=r"bytes where 64 are the most"):
        Unpacker(huge).text(16)
    with pytest.raises(Garbled, match=r"4,294,967,295 values where 3 are the most"):
        Unpacker(huge).count(3)


def test_what_ends_early_or_late_is_garbled() -> None:
    """A body is just what it says."""
    with pytest.raises(Garbled, match="in the middle of a value"):
        Unpacker(b"\0\0\0").u32()
    with pytest.raises(Garbled, match="in the middle of a value"):
        Unpacker(b"\2\0\0\0x").blob(10)
    with pytest.raises(Garbled, match="longer than what it says"):
        Unpacker(b"x").end()
    with pytest.raises(Garbled, match="no UTF-8"):
        Unpacker(b"\1\0\0\0\xff").text(10)
