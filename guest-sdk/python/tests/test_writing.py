"""Reports are deterministic CBOR; the reference encoder of the tests is the judge."""
# ruff: noqa: S101 - tests assert

from __future__ import annotations

import math
from typing import Any

import cbor2
import pytest
from wasmhost_observer import ActrId, ActrType, PeerEvent, PeerStatus, Realm
from wasmhost_observer.writing import encode


@pytest.mark.parametrize(
    "item",
    [
        None,
        True,
        False,
        "",
        "größer 🛰",
        b"\x00\xff",
        [],
        {},
        {"bb": 1, "a": [1, {"z": None, "é": b""}], "c": "x" * 70_000},
        *(
            sign * (1 << bits) + more
            for bits in (0, 4, 8, 16, 32, 63)
            for more in (-1, 0, 1)
            for sign in (1, -1)
        ),
        23,
        24,
        2**64 - 1,
        -(2**64),
        0.0,
        -0.0,
        0.5,
        1.1,
        65504.0,
        65505.0,
        1e30,
        5e-324,
        math.inf,
        -math.inf,
    ],
)
def test_items_are_written_in_their_shortest_form(item: Any) -> None:
    """Of every type and every width."""
    assert encode(item) == cbor2.dumps(item, canonical=True)


def test_not_a_number_has_one_form() -> None:
    """Whatever its bits are."""
    assert encode(math.nan) == b"\xf9\x7e\x00"


def test_a_record_is_a_map_as_the_contract_has_it() -> None:
    """Keys in kebab-case, absent ones left out, cases as text."""
    event = PeerEvent(ActrId(Realm(7), 2, ActrType("lab", "n", "1")), status=PeerStatus.IDLE)
    assert cbor2.loads(encode(event)) == {
        "peer": {
            "realm": {"realm-id": 7},
            "serial-number": 2,
            "type": {"manufacturer": "lab", "name": "n", "version": "1"},
        },
        "status": "idle",
    }


def test_half_of_a_surrogate_pair_becomes_a_question_mark() -> None:
    """It is no text that could be sent."""
    assert cbor2.loads(encode({"a\ud800": "\udfff!"})) == {"a?": "?!"}


@pytest.mark.parametrize(
    ("item", "error", "words"),
    [
        ({1: 2}, TypeError, "a key of a report is text, not a int"),
        ([{1, 2}], TypeError, "a report can't hold a set"),
        (2**64, ValueError, "at most 64 bits"),
        (-(2**64) - 1, ValueError, "at most 64 bits"),
    ],
)
def test_what_a_report_cannot_hold_is_refused_by_name(item: Any, error: type[Exception], words: str) -> None:
    """The author reads what it was."""
    with pytest.raises(error, match=words):
        encode(item)


def test_nesting_has_the_limit_of_the_contract() -> None:
    """Sixteen maps and arrays inside each other, and not one more; one that holds itself ends, too."""
    deep: list[Any] = []
    for _ in range(15):
        deep = [deep]
    assert encode(deep) == b"\x81" * 15 + b"\x80"
    deep.append(deep)
    with pytest.raises(ValueError, match="16 deep"):
        encode(deep)
