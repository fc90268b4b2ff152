"""A typical event for each hook, of a node in a lab: what a call is measured with, and tests begin from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.contract.codec import Frame
from wasmhost.contract.encode import encode_event
from wasmhost.contract.hooks import HOOKS, Hook
from wasmhost.contract.records import (
    ActrId,
    ActrType,
    BackpressureEvent,
    CredentialEvent,
    ErrorCategory,
    ErrorEvent,
    ErrorSource,
    PeerEvent,
    PeerStatus,
    Realm,
    RuntimeContext,
    SignalingEvent,
    StreamInfo,
)

if TYPE_CHECKING:
    from wasmhost.contract.records import Payload

LAB_AT: Final = 1_767_225_600_000_000_000
"""When the lab's first event happens: the beginning of 2026."""
STEP_NS: Final = 1_000_000_000
"""How long after it the next one does."""
LAB_NODE: Final = RuntimeContext(ActrId(Realm(7), 1, ActrType("lab", "node", "1.0.0")), None, "lab-1")

_PEER: Final = ActrId(Realm(7), 2, ActrType("lab", "caller", "1.0.0"))


def sample(hook: Hook) -> Frame:
    """Make a typical event of a hook, all of its fields there."""
    data = encode_event(hook.name, 0, LAB_AT, LAB_NODE, _payload(hook))
    return Frame(hook.name, 0, LAB_AT, None, has_ctx=True, data=data)


def _payload(hook: Hook) -> Payload | None:
    return None if hook.payload is None else _PAYLOADS[hook.payload]


_PAYLOADS: Final[dict[str, Payload]] = {
    "signaling-event": SignalingEvent(attempt=1),
    "peer-event": PeerEvent(_PEER, relayed=False, status=PeerStatus.CONNECTED),
    "error-event": ErrorEvent(
        ErrorSource("unavailable", "connection refused"),
        ErrorCategory.TRANSPORT_FAILURE,
        "sending to caller",
        LAB_AT,
        StreamInfo("stream-1", 1, "closed"),
    ),
    "credential-event": CredentialEvent(LAB_AT + 3600 * STEP_NS),
    "backpressure-event": BackpressureEvent(900, 800),
}
SAMPLES: Final[dict[str, Frame]] = {hook.name: sample(hook) for hook in HOOKS}
"""The typical event of each hook, by the hook's name."""
