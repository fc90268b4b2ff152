"""What an emitter says to a host beside events, and how it reads answers: as the wire's vectors have it."""

from __future__ import annotations

import json
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.wit_reader import WIT
from wasmhost.emitter.wire import Answers, Refused, Taken, hello

VECTORS: dict[str, list[dict[str, Any]]] = json.loads((WIT / "wire-vectors.json").read_text("ascii"))
OURS = [row for row in VECTORS["hellos"] if row["value"].get("ack") and "later" not in row["value"]]
ANSWERS = VECTORS["answers"]


def named(rows: list[dict[str, Any]]) -> pytest.MarkDecorator:
    """Parametrise by vectors."""
    return pytest.mark.parametrize("row", rows, ids=[row["name"] for row in rows])


def expected(answer: dict[str, Any]) -> Taken:
    """What an answer means to us."""
    return Taken(answer.get("ack"))


@named(OURS)
def test_the_hello_is_that_of_the_vectors(row: dict[str, Any]) -> None:
    """Byte for byte."""
    value = row["value"]
    assert hello(value["src"], value.get("token")).hex() == row["cbor"]


@named(ANSWERS)
def test_answers_are_read_as_the_vectors_say(row: dict[str, Any]) -> None:
    """Also byte by byte."""
    data = bytes.fromhex(row["cbor"])
    for pieces in ([data], [data[at : at + 1] for at in range(len(data))]):
        answers = Answers()
        if "error" in row["value"]:
            with pytest.raises(Refused) as refused:
                _ = [taken for piece in pieces for taken in answers.push(piece)]
            assert str(refused.value) == row["value"]["error"]
            assert refused.value.word == row["value"]["error"].split(":")[0]
        else:
            taken = [taken for piece in pieces for taken in answers.push(piece)]
            assert taken == [expected(row["value"])]


@given(st.lists(st.sampled_from([row for row in ANSWERS if "error" not in row["value"]])), st.data())
def test_answers_in_any_pieces_are_the_same(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    """A stream has no borders."""
    stream = b"".join(bytes.fromhex(row["cbor"]) for row in rows)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8).map(sorted))
    answers = Answers()
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    found = [taken for piece in pieces if piece for taken in answers.push(piece)]
    assert found == [expected(row["value"]) for row in rows]


def test_what_was_acknowledged_in_front_of_a_refusal_counts() -> None:
    """It is given before the refusal is raised."""
    answers = Answers()
    data = cbor2.dumps({"ack": 7}) + cbor2.dumps({"error": "idle: no event for 3600 s"})
    found: list[Taken] = []
    with pytest.raises(Refused, match="idle: no event") as refused:
        found.extend(answers.push(data))
    assert refused.value.word == "idle"


def test_an_answer_of_a_later_version_is_passed_over() -> None:
    """There may be other kinds of answers one day."""
    assert list(Answers().push(cbor2.dumps({"later": 1}) + cbor2.dumps({"ack": 1}))) == [Taken(1)]


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        *map(cbor2.dumps, (1, {"ack": -1}, {"ack": True}, {"ack": 1.0}, {"error": "\x1b[2J" * 1000})),
        b"\x7a\x00\x10\x00\x00" + b"x" * (1 << 20),  # text of a megabyte
        b"\xff",
        b"\xc1\x01",
        b"\x81" * 30 + b"\x00",
    ],
)
def test_whatever_else_comes_is_refused_in_words_fit_to_be_shown(data: bytes) -> None:
    """It may be anything that listens there."""
    answers = Answers()
    with pytest.raises(Refused) as refused:
        list(answers.push(data))
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) <= 400
