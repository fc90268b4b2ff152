"""``wit/wire-vectors.json``, ``wit/wire.cddl`` and the code agree on every byte of the wire."""

from __future__ import annotations

import json
from typing import Any

import cbor2
import pycddl  # type: ignore[import-untyped]
import pytest

from tests.contract.test_cddl import EVENT, HELLO, valid
from tests.contract.wit_reader import WIT
from wasmhost.contract.codec import RejectedEvent, decode_hello, ingest
from wasmhost.contract.scan import scan
from wasmhost.contract.sequence import MalformedStream, Splitter

VECTORS: dict[str, list[dict[str, Any]]] = json.loads((WIT / "wire-vectors.json").read_text("ascii"))
TEXT = (WIT / "wire.cddl").read_text("utf-8")
# One schema for each kind of answer: see test_cddl.py on choices between open maps.
ANSWERS = {
    key: pycddl.Schema(f"root = {rule}\n{TEXT}")
    for key, rule in {"welcome": "welcome", "ack": "acknowledged", "error": "refused"}.items()
}


def rows(kind: str) -> pytest.MarkDecorator:
    """Parametrise by the vectors of a kind."""
    return pytest.mark.parametrize("row", VECTORS[kind], ids=[row["name"] for row in VECTORS[kind]])


@pytest.mark.parametrize("kind", ["hellos", "events", "answers"])
def test_what_is_encoded_is_what_it_stands_for(kind: str) -> None:
    """In deterministic encoding, and in the order in which their names are told apart."""
    for row in VECTORS[kind]:
        assert cbor2.dumps(row["value"], canonical=True).hex() == row["cbor"], row["name"]
    assert len({row["name"] for row in VECTORS[kind]}) == len(VECTORS[kind])


@rows("hellos")
def test_hellos_are_read(row: dict[str, Any]) -> None:
    """By the code and by the CDDL."""
    hello = decode_hello(bytes.fromhex(row["cbor"]))
    assert hello is not None
    assert hello.src == row["value"]["src"]
    assert (hello.token, hello.ack) == (row["value"].get("token"), row["value"].get("ack", False))
    assert valid(HELLO, row["value"])


@rows("events")
def test_events_are_taken_as_they_are(row: dict[str, Any]) -> None:
    """The bytes that came are the bytes that the guest gets."""
    data = bytes.fromhex(row["cbor"])
    frame = ingest(data)
    assert frame.data == data
    assert (frame.seq, frame.hook, frame.src) == (
        row["value"]["seq"],
        row["value"]["hook"],
        row["value"].get("src"),
    )
    if frame.hook != "on_lunch":
        EVENT.validate_cbor(data)


@rows("answers")
def test_answers_are_valid(row: dict[str, Any]) -> None:
    """By the CDDL of their kind, and of no other kind."""
    (key,) = ANSWERS.keys() & row["value"].keys()
    assert [kind for kind, schema in ANSWERS.items() if valid(schema, row["value"])] == [key]


@pytest.mark.parametrize(
    ("kind", "value"), [("welcome", 2), ("ack", -1), ("ack", None), ("ack", 1.0), ("error", "lunch: late")]
)
def test_other_answers_are_invalid(kind: str, value: object) -> None:
    """A number that is none, a word that is not fixed."""
    assert not valid(ANSWERS[kind], {kind: value})


@rows("other-spellings")
def test_other_spellings_mean_the_same(row: dict[str, Any]) -> None:
    """And are not deterministic."""
    data, means = bytes.fromhex(row["cbor"]), bytes.fromhex(row["means"])
    assert cbor2.loads(data) == cbor2.loads(means)
    assert [scan(data).deterministic, scan(means).deterministic] == [False, True]


@rows("rejected")
def test_rejected_items_are_skipped(row: dict[str, Any]) -> None:
    """Well-formed, and no event."""
    (item,) = Splitter().push(bytes.fromhex(row["cbor"]))
    assert item.data is not None
    with pytest.raises(RejectedEvent):
        ingest(item.data)


@rows("malformed")
def test_malformed_bytes_end_the_stream(row: dict[str, Any]) -> None:
    """At once."""
    with pytest.raises(MalformedStream):
        Splitter().push(bytes.fromhex(row["cbor"]))
