"""The scan accepts what the contract permits, names what it refuses, and never trusts its input."""

from __future__ import annotations

import cbor2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.contract.strategies import plain_event, spellings, values
from tests.contract.vectors import MALFORMED, TRUNCATED
from wasmhost.contract.heads import MAX_NESTING, HeadWalk
from wasmhost.contract.scan import Malformed, Scan, Truncated, scan


def whole(data: bytes) -> Scan:
    """Scan what must be one item and nothing else."""
    found = scan(data)
    assert found.end == len(data)
    return found


@given(values)
def test_whatever_a_canonical_encoder_makes_is_accepted_as_deterministic(value: object) -> None:
    """Any value of the permitted kinds, encoded by cbor2's canonical form."""
    data = cbor2.dumps(value, canonical=True)
    assert scan(data) == (len(data), True, None)


@given(spellings())
def test_deterministic_is_what_a_canonical_encoder_would_not_change(spelling: tuple[object, bytes]) -> None:
    """Long heads, long floats and keys out of order are accepted, and seen."""
    value, data = spelling
    assert whole(data) == (len(data), data == cbor2.dumps(value, canonical=True), None)


@given(st.binary(max_size=40))
@example(b"\xa2\x61a\x00\x61a\x01")
@example(b"\x62\xff\xff")
def test_what_passes_the_scan_decodes_and_what_cannot_be_decoded_does_not_pass(data: bytes) -> None:
    """Over arbitrary bytes: cbor2 decodes all that passes, and nothing that the scan calls no CBOR."""
    try:
        found = scan(data)
    except (Malformed, Truncated):
        with pytest.raises(cbor2.CBORDecodeError):
            cbor2.loads(data)
        return
    if found.problem is None:
        value = cbor2.loads(data[: found.end])
        assert found.deterministic == (cbor2.dumps(value, canonical=True) == data[: found.end])


@given(spellings(), st.data())
def test_every_prefix_is_truncated(spelling: tuple[object, bytes], data: st.DataObject) -> None:
    """An item cut anywhere is no malformed one: more bytes could complete it."""
    _value, item = spelling
    cut = data.draw(st.integers(0, len(item) - 1))
    with pytest.raises(Truncated, match=f"{cut} bytes of it are here"):
        scan(item[:cut])


@given(spellings(), st.binary(max_size=5), st.binary(max_size=5))
def test_the_scan_looks_at_one_item_only(
    spelling: tuple[object, bytes], before: bytes, behind: bytes
) -> None:
    """What stands in front of `start` or behind the item changes nothing but the offset of the end."""
    _value, item = spelling
    end, *rest = scan(before + item + behind, len(before))
    assert (end - len(before), *rest) == scan(item)


@pytest.mark.parametrize("data", MALFORMED, ids=bytes.hex)
def test_malformed_vectors_are_malformed(data: bytes) -> None:
    """All of RFC 8949's, alone and with a good item behind them."""
    for tail in (b"", b"\x00"):
        with pytest.raises(Malformed):
            scan(data + tail)


@pytest.mark.parametrize("data", TRUNCATED, ids=bytes.hex)
def test_truncated_vectors_are_truncated(data: bytes) -> None:
    """All of RFC 8949's, and nothing at all."""
    with pytest.raises(Truncated):
        scan(data)
    with pytest.raises(Truncated):
        scan(b"")


def test_malformed_names_the_byte_at_which_it_shows() -> None:
    """Counted in the data that was given, not from the item."""
    with pytest.raises(
        Malformed, match="malformed CBOR at byte 5: reserved additional information 28"
    ) as error:
        scan(b"\x00\x00\x00\x82\x00\x1c", 3)
    assert (error.value.offset, error.value.reason) == (5, "reserved additional information 28")


REFUSED = {
    "a tag at byte 0 of the item": "c000",
    "a tag at byte 1 of the item": "81d9010080",
    "an indefinite length at byte 0 of the item": "9f0001ff",
    "an indefinite length at byte 3 of the item": "a161615f4161ff",
    "undefined at byte 1 of the item": "81f7",
    "simple value 0 at byte 0 of the item": "e0",
    "simple value 19 at byte 0 of the item": "f3",
    "simple value 32 at byte 0 of the item": "f820",
    "simple value 255 at byte 2 of the item": "8200f8ff",
    "a key that is no text at byte 1 of the item": "a10000",
    "a key that is no text at byte 4 of the item": "a2616100416100",
    "a key that is no text at byte 5 of the item": "a1626162a18000",
    "a key that comes twice in its map at byte 4 of the item": "a2616100616101",
    "a key that comes twice in its map at byte 5 of the item": "a278016100616101",
    "text that is not UTF-8 at byte 0 of the item": "61ff",
    "text that is not UTF-8 at byte 1 of the item": "a161ff00",
    "text that is not UTF-8 at byte 2 of the item": "820063eda080",
}


@pytest.mark.parametrize(("problem", "item"), REFUSED.items())
def test_well_formed_items_the_contract_refuses_are_named_and_walked_to_their_end(
    problem: str, item: str
) -> None:
    """The scan gives the end all the same, so that a stream can go on behind them."""
    data = bytes.fromhex(item)
    assert scan(data + b"\x00") == (len(data), False, problem)


def test_duplicates_are_found_however_the_keys_are_spelled() -> None:
    """Two widths of the same key's head are the same key; the same key in two maps is none twice."""
    assert (
        whole(bytes.fromhex("a2 6162 00 780162 00")).problem
        == "a key that comes twice in its map at byte 4 of the item"
    )
    assert whole(bytes.fromhex("a2 6162 a1 6161 00 6161 a1 6161 00")).problem is None


def test_integers_are_64_bit_and_floats_pass() -> None:
    """Every integer a head can hold, either sign; floats are for the schema to judge."""
    for value in (0, (1 << 64) - 1, -1, -(1 << 64), 1.5, [0.1, float("nan")]):
        assert whole(cbor2.dumps(value, canonical=True)).problem is None
    assert whole(cbor2.dumps(1 << 64)).problem == "a tag at byte 0 of the item"


@pytest.mark.parametrize(
    ("item", "deterministic"),
    [
        ("1817", False),
        ("1818", True),
        ("1900ff", False),
        ("1a0000ffff", False),
        ("1b00000000ffffffff", False),
        ("1b0000000100000000", True),
        ("3817", False),
        ("7800", False),
        ("9800", False),
        ("b800", False),
        ("a2616200616100", False),
        ("a2616100616200", True),
        ("a261620062616100", True),
        ("f93c00", True),
        ("fa3f800000", False),
        ("fa47800000", True),
        ("fb3ff0000000000000", False),
        ("fb3ff199999999999a", True),
        ("f97e00", True),
        ("f97e01", False),
        ("fa7fc00000", False),
        ("f98000", True),
        ("fa7f800000", False),
    ],
)
def test_core_deterministic_encoding(item: str, deterministic: bool) -> None:
    """Shortest heads, shortest floats (one NaN), keys in the order of their bytes (RFC 8949, 4.2.1)."""
    data = bytes.fromhex(item)
    assert scan(data) == (len(data), deterministic, None)


def test_depth_is_limited_to_sixteen_containers_inside_each_other() -> None:
    """Sixteen pass, the seventeenth is refused at its byte; both kinds count."""
    assert whole(b"\x81" * 16 + b"\x00").problem is None
    assert whole(b"\x81" * 16 + b"\x80").problem == "depth over 16 at byte 16 of the item"
    assert whole(b"\xa1\x61a" * 16 + b"\x00").problem is None
    assert whole(b"\xa1\x61a" * 16 + b"\xa0").problem == "depth over 16 at byte 48 of the item"


def test_nesting_without_end_is_malformed_and_harms_no_stack() -> None:
    """Past the walk's own bound no end is looked for; no recursion, so nothing overflows."""
    assert whole(b"\x81" * MAX_NESTING + b"\x00").problem == "depth over 16 at byte 16 of the item"
    with pytest.raises(Malformed, match=f"byte {MAX_NESTING}: more than {MAX_NESTING} containers"):
        scan(b"\x81" * 100_000)
    with pytest.raises(Malformed, match="more than"):
        scan(b"\x9f" * 100_000)
    assert whole(b"\xc1" * 50_000 + b"\x00").problem == "a tag at byte 0 of the item"


def test_size_is_limited_to_64_kib() -> None:
    """The head counts too; one byte more is refused with the size it has."""
    assert whole(b"\x59\xff\xfd" + bytes(65_533)).problem is None
    assert whole(b"\x5a\x00\x00\xff\xfc" + bytes(65_532)).problem == "the item takes 65537 bytes, over 65536"
    assert scan(b"\x82\x00\x00", max_bytes=2).problem == "the item takes 3 bytes, over 2"


def test_lengths_no_memory_could_hold_cost_nothing() -> None:
    """A head may promise 2^64-1 of anything; nothing is reserved for a promise."""
    for head in ("5bffffffffffffffff", "7bffffffffffffffff", "9bffffffffffffffff", "bbffffffffffffffff"):
        with pytest.raises(Truncated):
            scan(bytes.fromhex(head) + b"\x61a" * 10)


@given(spellings(), st.lists(st.integers(1, 5)))
def test_the_walk_over_heads_ends_where_the_scan_ends(
    spelling: tuple[object, bytes], sizes: list[int]
) -> None:
    """The two walks agree on every permitted item, in one piece and in many."""
    _value, data = spelling
    walk = HeadWalk(16)
    pos = 0
    for size in [*sizes, len(data)]:
        pos += walk.advance(data[pos : pos + size])
    assert (walk.done, walk.size, walk.problem) == (True, len(data), None)


@given(st.data())
def test_a_damaged_event_is_refused_or_still_an_item(data: st.DataObject) -> None:
    """Real events with bytes changed: the scan ends in one of its three ways, and agrees with cbor2."""
    damaged = bytearray(cbor2.dumps(plain_event()))
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        found = scan(bytes(damaged))
    except (Malformed, Truncated):
        with pytest.raises(cbor2.CBORDecodeError):
            cbor2.loads(bytes(damaged))
        return
    if found.problem is None:
        cbor2.loads(bytes(damaged[: found.end]))
