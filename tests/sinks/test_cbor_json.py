"""CBOR bodies as JSON values."""

from __future__ import annotations

import json
import math

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wasmhost.sinks.cbor_json import Json, cbor_to_json


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (2**64 - 1, 2**64 - 1),
        (-(2**64), -(2**64)),
        (1.5, 1.5),
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        ("ü\x1b", "ü\x1b"),
        (b"\x00\xff", "00ff"),
        ([1, [b"", {}]], [1, ["", {}]]),
        ({"a": {"b": [None, 0.1]}}, {"a": {"b": [None, 0.1]}}),
    ],
)
def test_values(value: object, expected: Json) -> None:
    """Each kind of item has the JSON form that the module documents."""
    assert cbor_to_json(cbor2.dumps(value)) == expected


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"text",
        cbor2.dumps(1) + b"\x00",
        b"\x62a",
        b"\x1c",
        cbor2.dumps(cbor2.CBORTag(1, 0)),
        cbor2.dumps(10**30),
        cbor2.dumps({1: 2}),
        b"\xa2\x61a\x01\x61a\x02",
        b"\x9f\xff",
        b"\xf7",
        b"\x61\xff",
        b"\x81" * 17 + b"\x00",
        cbor2.dumps(b"x" * 65_536),
    ],
)
def test_what_is_no_valid_item(body: bytes) -> None:
    """Too little, too much, too deep, too large, or more than the contract's CBOR: a reason each."""
    with pytest.raises(ValueError, match=r"\w"):
        cbor_to_json(body)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


def expected_json(value: object) -> object:
    """Return the value that a JSON reader is to see."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, list):
        return [expected_json(item) for item in value]
    if isinstance(value, dict):
        return {key: expected_json(item) for key, item in value.items()}
    return value


@given(value=VALUES)
def test_every_value_survives_strict_json(value: object) -> None:
    """What JSON can say is said exactly, integers of 64 bits included; the rest has its stand-in."""
    text = json.dumps(cbor_to_json(cbor2.dumps(value)), allow_nan=False)
    assert json.loads(text) == expected_json(value)


@given(body=st.binary(max_size=40))
def test_any_bytes_are_a_value_or_a_reason(body: bytes) -> None:
    """Whatever a guest sends, nothing but ValueError is raised, and every value is one of strict JSON."""
    try:
        value = cbor_to_json(body)
    except ValueError:
        return
    json.dumps(value, allow_nan=False)
