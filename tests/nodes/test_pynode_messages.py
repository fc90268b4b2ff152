"""What nodes and their signaling server say to each other, and who they say they are."""

from __future__ import annotations

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pynode.identity import is_name, make_id, parse_id
from pynode.messages import (
    BadMessageError,
    Description,
    Hello,
    Joined,
    Left,
    Message,
    Ping,
    Pong,
    Refused,
    Renew,
    Renewed,
    Reply,
    Request,
    Welcome,
    decode,
    encode,
)

TYPES = (Hello, Welcome, Refused, Renew, Renewed, Joined, Left, Description, Ping, Pong, Request, Reply)
VALUES = {"int": st.integers(0, 2**64 - 1), "str": st.text()}
MESSAGES = st.one_of(
    [st.builds(kind, **{field.name: VALUES[str(field.type)] for field in fields(kind)}) for kind in TYPES]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(MESSAGES)
def test_a_message_is_read_as_it_was_written(message: Message) -> None:
    """Every type, with any values."""
    assert decode(encode(message)) == message


@given(st.text() | st.binary() | JSON.map(json.dumps))
def test_what_is_no_message_is_refused(text: str | bytes) -> None:
    """Whatever a peer sends, it is a message or a BadMessageError, and nothing else is raised."""
    try:
        decode(text)
    except BadMessageError:
        return


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{"type": "renew"}', "token"),
        ('{"type": "renew", "token": 1}', "token"),
        ('{"type": "renew", "token": "t", "more": ""}', "more"),
        ('{"type": "reply", "id": "1", "text": "", "failed": true}', "failed"),
        ('{"type": ["renew"]}', "known type"),
        ('{"type": "welcome", "you": "", "token": "", "expiry": -1}', "expiry"),
        ('{"type": "renew", "token": "\\ud800"}', "token"),
        ("[1]", "known type"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
    ],
)
def test_a_bad_message_is_named(text: str, complaint: str) -> None:
    """The complaint says what is wrong: a missing, unknown or mistyped field, or no message at all."""
    with pytest.raises(BadMessageError, match=complaint):
        decode(text)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
    st.from_regex(r"[a-z0-9][a-z0-9-]{0,63}", fullmatch=True),
)
def test_an_identity_is_read_as_it_is_written(realm: int, serial: int, name: str) -> None:
    """Identities travel as text, in signaling and in the header of a WebSocket link."""
    identity = make_id(realm, serial, name)
    assert is_name(name)
    assert parse_id(str(identity)) == identity


@pytest.mark.parametrize(
    "text",
    ["", "bob", "a/b/c#1", "a/b#1@7", "a/b/c#x@7", "a/b/c#1@4294967296", f"a/b/c#{2**64}@7", "a/b/c#1@7\n"],
)
def test_what_is_no_identity_is_refused(text: str) -> None:
    """Anything else is a ValueError."""
    with pytest.raises(ValueError, match="identity"):
        parse_id(text)
