"""Typed records become deterministic bytes, or are refused with the place of the fault."""

from __future__ import annotations

import dataclasses
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contract.strategies import ACTR, CTX, actr_ids, contexts, hook_calls, statuses, texts, u64
from wasmhost.contract import encode
from wasmhost.contract import records as r
from wasmhost.contract.codec import RejectedEvent, decode_event, encode_event, ingest
from wasmhost.contract.hooks import HOOKS


@given(hook_calls, u64, u64, st.none() | contexts, st.none() | texts)
def test_the_bytes_are_those_of_a_canonical_encoder(
    call: tuple[str, Any], seq: int, at: int, ctx: r.RuntimeContext | None, src: str | None
) -> None:
    """Hand-made bytes equal cbor2's canonical form of the same map, and decode to what went in."""
    hook, payload = call
    data = encode_event(hook, seq, at, ctx, payload, src)
    members = {"hook": hook, "seq": seq, "at": at, "src": src, "ctx": encode.as_map(ctx)}
    plain = {key: value for key, value in members.items() if value is not None}
    plain["event"] = encode.as_map(payload) if payload is not None else {}
    assert data == cbor2.dumps(plain, canonical=True)
    assert data == cbor2.dumps(cbor2.loads(data)), "keys are in order, so a plain encoder agrees"
    assert decode_event(data) == (hook, seq, at, src, ctx, payload)
    assert ingest(data).data is data


def test_identities_are_told_apart_however_they_are_remembered() -> None:
    """Equal, different and changed copies of an identity each give their own bytes, again and again."""
    for _ in range(3):
        for serial in (1, 2):
            peer = dataclasses.replace(ACTR, serial_number=serial)
            data = encode_event("on_websocket_connected", 0, 0, None, r.PeerEvent(peer))
            assert decode_event(data).payload == r.PeerEvent(peer)


def test_the_memory_of_identities_is_bounded() -> None:
    """However many peers a node meets, and however long their names are."""
    for serial in range(6000):
        encode_event(
            "on_start", 0, 0, r.RuntimeContext(dataclasses.replace(ACTR, serial_number=serial)), None
        )
    assert len(encode._actr_ids) <= 4096
    long = r.ActrId(r.Realm(1), 1, r.ActrType("x" * 600, "", ""))
    encode_event("on_start", 0, 0, r.RuntimeContext(long), None)
    assert id(long) not in encode._actr_ids


PEER = r.PeerEvent(ACTR)


def replaced(record: Any, **wrong: object) -> Any:
    """Copy a record with values its types do not allow."""
    return dataclasses.replace(record, **wrong)


BAD: list[tuple[str, str, dict[str, Any]]] = [
    ("seq: expected an unsigned 64-bit integer, got -1", "on_start", {"seq": -1}),
    (f"seq: expected an unsigned 64-bit integer, got {1 << 64}", "on_start", {"seq": 1 << 64}),
    ("at: expected an unsigned 64-bit integer, got a float", "on_start", {"at": 1.5}),
    ("at: expected an unsigned 64-bit integer, got a float", "on_start", {"at": 5.0}),
    ("src: expected text, got bytes", "on_start", {"src": b"x"}),
    ("hook: no such hook: 'on_lunch'", "on_lunch", {}),
    ("event: on_start takes no payload, got PeerEvent", "on_start", {"payload": PEER}),
    ("event: on_webrtc_connected takes PeerEvent, got no payload", "on_webrtc_connected", {}),
    (
        "event.peer: expected a map, got text",
        "on_webrtc_connected",
        {"payload": replaced(PEER, peer="me")},
    ),
    (
        'event.status: expected one of idle, connecting, connected, recovering, got "asleep"',
        "on_webrtc_connected",
        {"payload": replaced(PEER, status="asleep")},
    ),
    (
        "event.relayed: expected a boolean, got text",
        "on_webrtc_connected",
        {"payload": replaced(PEER, relayed="no")},
    ),
    (
        f"event.attempt: expected an unsigned 32-bit integer, got {1 << 32}",
        "on_signaling_connecting",
        {"payload": r.SignalingEvent(1 << 32)},
    ),
    (
        f"ctx.self-id.realm.realm-id: expected an unsigned 32-bit integer, got {1 << 32}",
        "on_start",
        {"ctx": r.RuntimeContext(dataclasses.replace(ACTR, realm=r.Realm(1 << 32)))},
    ),
    ("ctx: expected a map, got text", "on_start", {"ctx": "me"}),
    (
        "a text is not Unicode: it holds half a surrogate pair",
        "on_start",
        {"ctx": dataclasses.replace(CTX, request_id="\ud800")},
    ),
    ("the event takes 65576 bytes, over 65536", "on_start", {"src": "x" * 65_536}),
]


@pytest.mark.parametrize(("reason", "hook", "changes"), BAD, ids=[row[0][:50] for row in BAD])
def test_values_that_do_not_fit_are_refused_with_their_place(
    reason: str, hook: str, changes: dict[str, Any]
) -> None:
    """Types say so too, but an observer's node may not be type-checked: one clear reason, never bad bytes."""
    arguments: dict[str, Any] = {"seq": 0, "at": 0, "ctx": None, "payload": None} | changes
    with pytest.raises(RejectedEvent) as refused:
        encode_event(hook, **arguments)
    assert refused.value.reason == reason


def test_the_encoder_covers_every_hook() -> None:
    """A hook added to the table without an encoder for its payload would fail at import; none is left out."""
    assert set(encode._HOOKS) == {hook.name for hook in HOOKS}


emitted = st.one_of(
    st.builds(r.SignalingConnectStart, st.none() | st.integers(0, (1 << 32) - 1)),
    st.builds(r.SignalingConnected),
    st.builds(r.SignalingDisconnected),
    st.builds(r.WebRtcConnectStart, actr_ids, statuses),
    st.builds(r.WebRtcConnected, actr_ids, st.booleans(), statuses),
    st.builds(r.WebRtcDisconnected, actr_ids, statuses),
    st.builds(r.DataStreamDeliveryUncertain, texts, u64, texts),
    st.builds(r.WebSocketConnectStart, actr_ids),
    st.builds(r.WebSocketConnected, actr_ids),
    st.builds(r.WebSocketDisconnected, actr_ids),
    st.builds(r.CredentialRenewed, u64),
    st.builds(r.CredentialExpiring, u64),
    st.builds(r.MailboxBackpressure, u64, u64),
)


@given(emitted, u64, u64, st.none() | contexts)
def test_an_event_that_gets_its_number_later_is_the_same(
    event: r.HookEvent, seq: int, at: int, ctx: r.RuntimeContext | None
) -> None:
    """Straight from the event, or by its hook and payload."""
    hook, payload = r.route(event, at)
    whole = encode_event(hook, seq, at, ctx, payload)
    assert encode.numbered(encode.encode_emitted(event, at, ctx), seq) == whole
    assert encode.numbered(encode.encode_unnumbered(hook, at, ctx, payload), seq) == whole


def test_an_event_that_cannot_be_encoded_says_so_before_it_has_a_number() -> None:
    """As with one."""
    nobody = r.ActrId(r.Realm(-1), 1, r.ActrType("", "", ""))
    with pytest.raises(RejectedEvent, match=r"event\.peer\.realm"):
        encode.encode_emitted(r.WebRtcConnected(nobody, True), 0, None)
    with pytest.raises(RejectedEvent, match="takes up to"):
        encode.encode_emitted(r.DataStreamDeliveryUncertain("x" * 40_000, 1, ""), 0, CTX)
    with pytest.raises(TypeError, match="not a hook event"):
        encode.encode_emitted("connected", 0, None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
