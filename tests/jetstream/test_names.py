"""What streams, subjects and keys are called."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from wasmhost.jetstream.names import Keys, Names, escaped, token

NAMES = Names("events", "acme.wasmhost", 16)


@given(st.text())
def test_any_name_makes_a_word(name: str) -> None:
    """It has no dot, no wildcard, no space, and is not empty."""
    assert re.fullmatch(r"[A-Za-z0-9_=-]{1,128}", token(name))


@given(st.text(max_size=20), st.text(max_size=20))
def test_other_names_make_other_words(one: str, other: str) -> None:
    """Nobody gets another's subject by a name of its choice."""
    assert (escaped(one) == escaped(other)) == (one == other)


def test_all_names_of_a_stream() -> None:
    """As docs/jetstream.md lists them."""
    assert NAMES.event("7", "a.b") == "acme.wasmhost.events.7.a=2Eb"
    assert NAMES.partition(3) == "acme.wasmhost.p.3.>"
    assert NAMES.partitioned == "acme.wasmhost.p.{{partition(16,1,2)}}.{{wildcard(1)}}.{{wildcard(2)}}"
    assert NAMES.report("relay-watch", "relay.lost") == "acme.wasmhost.reports.relay-watch.relay=2Elost"
    assert NAMES.panic("relay-watch", "deadline") == "acme.wasmhost.panics.relay-watch.deadline"
    assert (NAMES.found, NAMES.bucket_stream) == ("events-found", "KV_events")
    assert (Keys.partition(3), Keys.state(3, "a.b"), Keys.host("x")) == ("p.3", "s.3.a=2Eb", "host.x")
