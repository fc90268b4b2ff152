"""``wit/events.cddl`` and the code agree on what an event is, with a CDDL library as the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cbor2
import pycddl  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.strategies import TRACE, contexts, hook_calls, plain_event, texts, u64
from tests.contract.test_schema import FAULTS, changed
from tests.contract.wit_reader import WIT
from wasmhost.contract.codec import encode_event
from wasmhost.contract.hooks import HOOKS
from wasmhost.contract.sequence import Splitter

if TYPE_CHECKING:
    from wasmhost.contract import records as r

TEXT = (WIT / "events.cddl").read_text(encoding="utf-8")
# The library takes the first rule for the root. The file's own, `item`, is a choice between two open
# maps, and of those the library forgets the faults of one while it tries the other.
EVENT = pycddl.Schema("root = hook-event\n" + TEXT)
HELLO = pycddl.Schema("root = hello\n" + TEXT)


def valid(schema: pycddl.Schema, value: object) -> bool:
    """Ask the library."""
    try:
        schema.validate_cbor(cbor2.dumps(value))
    except pycddl.ValidationError:
        return False
    return True


def test_the_real_trace_is_valid() -> None:
    """All 65 events, and by the file's own root as well."""
    for item in Splitter().push(TRACE.read_bytes()):
        EVENT.validate_cbor(item.data or b"")
        pycddl.Schema(TEXT).validate_cbor(item.data or b"")


@given(hook_calls, u64, u64, st.none() | contexts, st.none() | texts)
def test_what_the_encoder_makes_is_valid(
    call: tuple[str, Any], seq: int, at: int, ctx: r.RuntimeContext | None, src: str | None
) -> None:
    """Any hook with any payload."""
    EVENT.validate_cbor(encode_event(call[0], seq, at, ctx, call[1], src))


FAULTS_OF_KNOWN_HOOKS = [row for row in FAULTS if row[0]["hook"] != "on_lunch"]


@pytest.mark.parametrize(
    ("event", "path", "value"),
    [row[:3] for row in FAULTS_OF_KNOWN_HOOKS],
    ids=[f"{row[1]}-{row[3][-25:]}" for row in FAULTS_OF_KNOWN_HOOKS],
)
def test_what_the_schema_check_refuses_is_invalid(event: dict[str, Any], path: str, value: object) -> None:
    """The faults the code is tested with, judged by the CDDL."""
    assert not valid(EVENT, changed(event, path, value))


@pytest.mark.parametrize("hook", HOOKS, ids=[hook.name for hook in HOOKS])
def test_every_hook_is_there_with_its_own_payload(hook: Any) -> None:
    """A payload of another hook is invalid wherever it lacks a field."""
    good: dict[str | None, dict[str, Any]] = {
        None: {},
        "signaling-event": {"attempt": 1},
        "peer-event": plain_event()["event"],
        "error-event": {
            "source": {"kind": "k", "message": "m"},
            "category": "handler-error",
            "context": "",
            "at": 1,
        },
        "credential-event": {"new-expiry": 1},
        "backpressure-event": {"queue-len": 1, "threshold": 1},
    }
    assert valid(EVENT, plain_event(hook.name, event=good[hook.payload]))
    if hook.payload not in (None, "signaling-event"):
        assert not valid(EVENT, plain_event(hook.name, event={}))
    if hook.payload == "signaling-event":
        assert not valid(EVENT, plain_event(hook.name, event={"attempt": "first"}))


def test_open_maps_and_old_spellings_are_valid() -> None:
    """Unknown members anywhere, and the category of today's Rust nodes."""
    for path in ("zzz", "ctx.zzz", "ctx.self-id.zzz", "event.zzz", "event.peer.zzz"):
        assert valid(EVENT, changed(plain_event(), path, [1.5, {"a": None}]))
    assert not valid(EVENT, dict([*plain_event().items(), (3, 1)]))
    payload = {"source": {"kind": "k", "message": "m"}, "context": "", "at": 1}
    for category, allowed in [("data-chunk-delivery-uncertain", True), ("bad-weather", False)]:
        assert valid(EVENT, plain_event("on_error", event=payload | {"category": category})) == allowed


def test_a_hello_is_described_too() -> None:
    """With a token or without; anything else under its keys is invalid."""
    assert valid(HELLO, {"hello": 1, "src": "n"})
    assert valid(HELLO, {"hello": 1, "src": "n", "token": "t", "later": 1})
    for hello in ({"hello": 2, "src": "n"}, {"hello": 1}, {"hello": 1, "src": "n", "token": 1}):
        assert not valid(HELLO, hello)
