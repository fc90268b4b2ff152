"""What the text of a case comes to in bytes."""

from __future__ import annotations

import contextlib

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasmhost.audit.hexadecimal import BadHex, assemble
from wasmhost.audit.repeat import BadRepeat, expand
from wasmhost.audit.stream import BadStream, stream
from wasmhost.contract.codec import ingest
from wasmhost.sandbox.sections import read_u32, write_u32


def test_repetitions_are_written_out() -> None:
    """With their number, within each other, and nothing else changed."""
    assert expand("a(;repeat 3;)b$i (;end;)c") == "ab0 b1 b2 c"
    assert expand("(;repeat 2;)<(;repeat 2;)$i$j(;end;)>(;end;)") == "<0001><1011>"
    assert expand("(;repeat 2;)(;repeat 2;)(;repeat 2;)$k(;end;)(;end;)(;end;)") == "01" * 4
    assert expand("(; a comment ;) $i (;repeat 0;)x(;end;)") == "(; a comment ;) $i "
    assert expand("(;repeat 2;)$index (;end;)") == "$index $index "


def test_hex_spells_bytes() -> None:
    """Digits, text, repetitions, numbers, and lengths in front."""
    assert assemble("00 ff0A ;; c0mment\n (; and ;) 7f") == b"\x00\xff\x0a\x7f"
    assert assemble(r'"a\1b\n\"é"') == b'a\x1b\n"' + "é".encode()
    assert assemble("ab*3 leb:300") == b"\xab\xab\xab\xac\x02"
    assert assemble('01 { 00 { "name" } }') == b"\x01\x06\x00\x04name"


@given(st.integers(0, 2**32 - 1))
def test_numbers_are_leb128(number: int) -> None:
    """As the sandbox reads them."""
    assert read_u32(write_u32(number), 0) == (number, len(write_u32(number)))


def test_a_stream_is_events_and_items_and_bytes() -> None:
    """Good events are numbered on; an item is in deterministic encoding."""
    text = ';; first\ngood 2\n\nitem {"b": 1,\n  "a": 2}  \nbytes 01 ;; one\ngood ;; the third\n'
    data = stream(text)
    first = cbor2.dumps(cbor2.loads(data))
    assert ingest(data[: len(first)]).seq == 0
    assert data[2 * len(first) :].startswith(b"\xa2\x61a\x02\x61b\x01\x01")
    assert ingest(data[2 * len(first) + 8 :]).seq == 2
    assert stream("") == b""
    assert stream(";; nothing") == b""


@given(st.text(alphabet='()repatnd;1 $ij{}"\\*leb:0fg\n', max_size=60))
def test_any_text_is_bytes_or_a_mistake_with_a_place(text: str) -> None:
    """Never anything else."""
    places: list[int] = []
    with contextlib.suppress(BadRepeat):
        text = expand(text)
    for make in (assemble, stream):
        try:
            make(text)
        except (BadHex, BadStream) as error:
            places.append(error.place)
    assert all(0 <= place <= len(text) for place in places)


def test_a_mistake_has_a_place() -> None:
    """Where it is in the text."""
    with pytest.raises(BadHex) as caught:
        assemble("00 xx")
    assert caught.value.place == 3
