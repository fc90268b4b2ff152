"""Bytes from outside are validated and normalised once; afterwards everybody holds the same bytes."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.strategies import ACTR, TRACE, plain_event, spell
from wasmhost.contract import records as r
from wasmhost.contract.codec import (
    Decoded,
    Frame,
    Hello,
    RejectedEvent,
    decode_event,
    decode_hello,
    encode_event,
    ingest,
)
from wasmhost.contract.sequence import Splitter
from wasmhost.errors import WasmhostError

EVENT = plain_event(unknown=[1.5, None, {"later": b"x"}])


def canonical(value: object) -> bytes:
    """Encode deterministically, by cbor2."""
    return cbor2.dumps(value, canonical=True)


def trace() -> list[bytes]:
    """Cut the real trace into its events."""
    return [item.data or b"" for item in Splitter().push(TRACE.read_bytes())]


def test_the_real_trace_passes_as_it_is() -> None:
    """65 events, deterministic already: the very same bytes, and a round trip through typed records."""
    for data in trace():
        frame = ingest(data)
        assert frame.data is data
        event = decode_event(data)
        assert encode_event(event.hook, event.seq, event.at, event.ctx, event.payload, event.src) == data


def test_a_frame_tells_the_host_what_it_routes_by() -> None:
    """Hook, sequence number, time, source, and whether the node had an identity."""
    data = canonical(plain_event(src="node-1"))
    assert ingest(data) == Frame("on_webrtc_connected", 1, 2, "node-1", True, data)
    event = plain_event("on_signaling_connecting")
    del event["ctx"]
    assert ingest(canonical(event)) == Frame("on_signaling_connecting", 1, 2, None, False, canonical(event))


@given(st.composite(lambda draw: spell(draw, EVENT))())
def test_any_spelling_of_an_event_becomes_the_deterministic_one(spelled: bytes) -> None:
    """Long heads and keys in any order are normalised, and nothing else changes."""
    assert ingest(spelled).data == canonical(EVENT)


def test_normalising_twice_changes_nothing() -> None:
    """What came out of ingress goes through it untouched."""
    once = ingest(cbor2.dumps(dict(reversed(plain_event().items())))).data
    assert ingest(once).data is once


def uncertain(category: str) -> dict[str, Any]:
    """Make an on_error event of a category."""
    payload = {"source": {"kind": "k", "message": "m"}, "category": category, "context": "", "at": 1}
    return plain_event("on_error", event=payload)


def test_the_category_of_todays_rust_nodes_is_normalised() -> None:
    """The guest sees our spelling, whoever sent the event."""
    frame = ingest(canonical(uncertain("data-chunk-delivery-uncertain")))
    assert frame.data == canonical(uncertain("data-stream-delivery-uncertain"))


def test_normalising_never_lets_an_event_over_the_limit() -> None:
    """Our spelling is a byte longer; an event of exactly 64 KiB has no room for it."""
    event = uncertain("data-chunk-delivery-uncertain")
    event["event"]["context"] = "x" * 65_000
    event["event"]["context"] = "x" * (65_000 + 65_536 - len(canonical(event)))
    data = canonical(event)
    assert len(data) == 65_536
    with pytest.raises(RejectedEvent, match="the event takes 65537 bytes, over 65536"):
        ingest(data)


def test_status_is_optional_on_all_webrtc_events() -> None:
    """Today's Rust nodes send it on all three, older ones on none."""
    for hook in ("on_webrtc_connecting", "on_webrtc_connected", "on_webrtc_disconnected"):
        for extra in ({}, {"status": "recovering"}):
            event = plain_event(hook)
            event["event"] |= extra
            payload = decode_event(ingest(canonical(event)).data).payload
            assert isinstance(payload, r.PeerEvent)
            assert payload.status == extra.get("status")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "the item at byte 0 is not complete: 0 bytes of it are here"),
        (b"\xa1\x61a", "the item at byte 0 is not complete: 3 bytes of it are here"),
        (b"\x1c", "malformed CBOR at byte 0: reserved additional information 28"),
        (b"\xc0\x00", "a tag at byte 0 of the item"),
        (b"\x01", "expected a map, got an integer"),
        (b"\xa0", "hook: missing"),
        (canonical(plain_event()) + b"\x00\x00", "2 more bytes follow the item"),
        (canonical(plain_event(x="y" * 65_536)), "the item takes 65757 bytes, over 65536"),
        (canonical(plain_event(seq=1 << 64)), "a tag at byte"),
    ],
)
def test_what_is_refused_has_a_reason(data: bytes, reason: str) -> None:
    """Limits, schema, and bytes that are no single item, each as a RejectedEvent."""
    with pytest.raises(RejectedEvent) as refused:
        ingest(data)
    assert isinstance(refused.value, WasmhostError)
    assert refused.value.reason.startswith(reason)


@given(st.binary(max_size=60))
def test_random_bytes_are_refused_in_one_way_only(data: bytes) -> None:
    """Nothing but RejectedEvent ever comes out of ingress."""
    with pytest.raises(RejectedEvent):
        ingest(data)


@given(st.data())
def test_damaged_events_are_refused_in_one_way_only(data: st.DataObject) -> None:
    """Nor for real events with a byte changed; what is accepted decodes to typed records."""
    damaged = bytearray(data.draw(st.sampled_from(trace())))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        frame = ingest(bytes(damaged))
    except RejectedEvent:
        return
    decoded = decode_event(frame.data)
    assert (decoded.hook, decoded.seq) == (frame.hook, frame.seq)
    assert ingest(frame.data).data is frame.data


def test_an_unknown_hook_is_a_frame_without_a_payload() -> None:
    """It is accepted, and whoever decodes it learns no more than the envelope."""
    data = canonical(plain_event("on_lunch", event={"menu": 1}))
    assert ingest(data).hook == "on_lunch"
    assert decode_event(data) == Decoded(
        "on_lunch", 1, 2, None, decode_event(canonical(plain_event())).ctx, None
    )


def test_decoding_ignores_what_records_have_no_room_for() -> None:
    """Unknown members are for guests that know them; typed records don't."""
    event = plain_event(later=1)
    event["event"] |= {"later": 2}
    event["ctx"] |= {"caller-id": event["ctx"]["self-id"]}
    decoded = decode_event(ingest(canonical(event)).data)
    peer = r.ActrId(r.Realm(7), 1, r.ActrType("a", "b", "c"))
    assert decoded.ctx == r.RuntimeContext(peer, peer, "")
    assert decoded.payload == r.PeerEvent(peer)


def test_a_hello_is_told_from_an_event() -> None:
    """The first item of a stream is asked whether it is one."""
    assert decode_hello(canonical({"hello": 1, "src": "n"})) == Hello(1, "n", None)
    assert decode_hello(canonical({"hello": 1, "src": "n", "token": "t"})) == Hello(1, "n", "t")
    assert decode_hello(encode_event("on_start", 0, 0, r.RuntimeContext(ACTR), None)) is None
    assert decode_hello(b"\x01") is None


def test_a_bad_hello_is_refused() -> None:
    """By its fault, or by the limits every item has."""
    with pytest.raises(RejectedEvent, match="hello: expected 1, got 2"):
        decode_hello(canonical({"hello": 2, "src": "n"}))
    with pytest.raises(RejectedEvent, match="a tag at byte 0"):
        decode_hello(b"\xc0\x00")


def test_a_hello_keeps_its_token_out_of_logs() -> None:
    """A repr is what a log line or a failing test shows."""
    assert "secret" not in repr(Hello(1, "n", "secret"))
    assert repr(Hello(1, "n", None)) == "Hello(version=1, src='n', token=None)"
