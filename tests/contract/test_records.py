"""Records are frozen values; each event has exactly one hook and one payload."""

from __future__ import annotations

import dataclasses
import pickle
import typing

import pytest

from tests.contract.strategies import ACTR, CTX
from wasmhost.contract import records as r
from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.contract.records import PeerStatus

AT = 1_795_410_003_454_890_634

ROUTES: list[tuple[r.HookEvent, str, r.Payload | None]] = [
    (r.SignalingConnectStart(), "on_signaling_connecting", r.SignalingEvent()),
    (r.SignalingConnectStart(3), "on_signaling_connecting", r.SignalingEvent(3)),
    (r.SignalingConnected(), "on_signaling_connected", None),
    (r.SignalingDisconnected(), "on_signaling_disconnected", None),
    (r.WebRtcConnectStart(ACTR), "on_webrtc_connecting", r.PeerEvent(ACTR)),
    (
        r.WebRtcConnectStart(ACTR, PeerStatus.CONNECTING),
        "on_webrtc_connecting",
        r.PeerEvent(ACTR, None, PeerStatus.CONNECTING),
    ),
    (r.WebRtcConnected(ACTR, True), "on_webrtc_connected", r.PeerEvent(ACTR, True)),
    (
        r.WebRtcConnected(ACTR, False, PeerStatus.CONNECTED),
        "on_webrtc_connected",
        r.PeerEvent(ACTR, False, PeerStatus.CONNECTED),
    ),
    (
        r.WebRtcDisconnected(ACTR, PeerStatus.RECOVERING),
        "on_webrtc_disconnected",
        r.PeerEvent(ACTR, None, PeerStatus.RECOVERING),
    ),
    (r.WebSocketConnectStart(ACTR), "on_websocket_connecting", r.PeerEvent(ACTR)),
    (r.WebSocketConnected(ACTR), "on_websocket_connected", r.PeerEvent(ACTR)),
    (r.WebSocketDisconnected(ACTR), "on_websocket_disconnected", r.PeerEvent(ACTR)),
    (r.CredentialRenewed(5), "on_credential_renewed", r.CredentialEvent(5)),
    (r.CredentialExpiring(6), "on_credential_expiring", r.CredentialEvent(6)),
    (r.MailboxBackpressure(9, 4), "on_mailbox_backpressure", r.BackpressureEvent(9, 4)),
    (
        r.DataStreamDeliveryUncertain("upload", 99, "channel closed"),
        "on_error",
        r.ErrorEvent(
            r.ErrorSource("unavailable", "data stream delivery uncertain after WebRTC disconnect"),
            r.ErrorCategory.DATA_STREAM_DELIVERY_UNCERTAIN,
            "stream_id=upload; session_id=99; reason=channel closed",
            AT,
            r.StreamInfo("upload", 99, "channel closed"),
        ),
    ),
]


@pytest.mark.parametrize(("event", "hook", "payload"), ROUTES)
def test_an_event_goes_to_its_one_hook(event: r.HookEvent, hook: str, payload: r.Payload | None) -> None:
    """The route gives hook and payload; `relayed` is known for a formed WebRTC connection only."""
    assert r.route(event, AT) == (hook, payload)
    assert (payload is None) == (HOOK_BY_NAME[hook].payload is None)


def test_all_thirteen_events_have_a_route() -> None:
    """The cases above leave no event out."""
    assert {type(event) for event, _hook, _payload in ROUTES} == set(typing.get_args(r.HookEvent))
    assert len(typing.get_args(r.HookEvent)) == 13


def test_what_is_no_event_has_no_route() -> None:
    """A payload, for instance, is refused by name."""
    with pytest.raises(TypeError, match="not a hook event: CredentialEvent"):
        r.route(r.CredentialEvent(1), AT)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_records_are_frozen_and_compare_by_value() -> None:
    """A record can be a key, and nobody changes it behind another's back."""
    assert hash(ACTR) == hash(r.ActrId(r.Realm(7), 1, r.ActrType("lab", "Echo", "1.0.0")))
    with pytest.raises(dataclasses.FrozenInstanceError):
        ACTR.serial_number = 2  # type: ignore[misc]  # pyright: ignore[reportAttributeAccessIssue]
    assert not hasattr(CTX, "__dict__")


def test_an_identity_reads_well_in_a_log() -> None:
    """Type, serial number and realm, on one line."""
    assert str(ACTR) == "lab/Echo/1.0.0#1@7"


def test_an_actr_error_says_kind_and_message_and_survives_pickling() -> None:
    """Its two attributes are its arguments, so processes can pass it on."""
    error = r.ActrError("unavailable", "no route")
    assert str(error) == "unavailable: no route"
    copy = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes
    assert (copy.kind, copy.message) == ("unavailable", "no route")
