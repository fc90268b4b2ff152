"""Makes of an event what a profile shows of it.

The event is made anew from its records, so what is shown is what is named here and in the schema: a key that
somebody added to a map is not carried along. ``docs/grants.md`` says for each value what becomes of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wasmhost.contract.codec import Decoded, Frame, RejectedEvent, encode_event
from wasmhost.contract.records import (
    BackpressureEvent,
    CredentialEvent,
    ErrorEvent,
    ErrorSource,
    PeerEvent,
    RuntimeContext,
    SignalingEvent,
    StreamInfo,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.contract.records import Payload
    from wasmhost.grants.profiles import Profile

WITHHELD: Final = "[withheld]"
"""What stands for a text that may speak of anything."""
OTHER_KIND: Final = "other"
KNOWN_KINDS: Final = frozenset(
    {
        "already-exists",
        "cancelled",
        "deadline-exceeded",
        "decode-failure",
        "dependency-not-found",
        "internal",
        "invalid-argument",
        "not-found",
        "not-implemented",
        "permission-denied",
        "timed-out",
        "unavailable",
        "unknown-route",
    }
)
"""Kinds of errors that say nothing but what they are. Any other might be a text of somebody's."""
HOUR_NS: Final = 3_600_000_000_000

_tuple: Final = tuple.__new__  # how a NamedTuple is made, without the call in between


def redacted(frame: Frame, event: Decoded, profile: Profile, *, ours: bool) -> Frame:
    """Return what ``profile`` shows of an event, given as a frame and as records.

    ``ours``: the frame was made of just these records. Then it is returned itself where there is nothing
    in them to disguise.
    """
    hook, seq, at, src, ctx, payload = event
    if not profile.self and src is not None:
        src = profile.pseudonyms.source(src)
    if ctx is not None and not (profile.self and profile.peer):
        ctx = _context(ctx, profile)
    if payload is not None:
        payload = _PAYLOADS[type(payload)](payload, profile)
    if ours and ctx is event.ctx and payload is event.payload and profile.self:
        return frame
    try:
        data = encode_event(hook, seq, at, ctx, payload, src)
    except RejectedEvent:
        if profile.bare is profile:
            raise
        # A pseudonym may be longer than what it stands for. An event that fits no more because of it is
        # shown in full disguise, in which nothing is long.
        return redacted(frame, event, profile.bare, ours=False)
    known = frame.src
    if known is not None and not profile.self:
        known = src if src is not None else profile.pseudonyms.source(known)
    return _tuple(Frame, (hook, seq, at, known, frame.has_ctx, data))


def _context(ctx: RuntimeContext, profile: Profile) -> RuntimeContext:
    actor, caller = profile.pseudonyms.actor, ctx.caller_id
    return RuntimeContext(
        ctx.self_id if profile.self else actor(ctx.self_id),
        caller if caller is None or profile.peer else actor(caller),
        # Whoever made a request named it, maybe after itself or after the node.
        profile.pseudonyms.request(ctx.request_id),
    )


def _as_it_is(payload: Payload, _profile: Profile) -> Payload:
    return payload


def _peer(event: PeerEvent, profile: Profile) -> PeerEvent:
    if profile.peer:
        return event
    return PeerEvent(profile.pseudonyms.actor(event.peer), event.relayed, event.status)


def _credential(event: CredentialEvent, profile: Profile) -> CredentialEvent:
    if profile.credential:
        return event
    return CredentialEvent(event.new_expiry - event.new_expiry % HOUR_NS)


def _error(event: ErrorEvent, profile: Profile) -> ErrorEvent:
    kind = event.source.kind
    return ErrorEvent(
        ErrorSource(kind if kind in KNOWN_KINDS else OTHER_KIND, WITHHELD),
        event.category,
        WITHHELD,
        event.at,
        None if event.stream is None else _stream(event.stream, profile),
    )


def _stream(stream: StreamInfo, profile: Profile) -> StreamInfo:
    if profile.stream:
        return StreamInfo(stream.stream_id, stream.session_id, WITHHELD)
    names = profile.pseudonyms
    return StreamInfo(names.stream(stream.stream_id), names.session(stream.session_id), WITHHELD)


# Any: each function takes its own record, which a dict keyed by type cannot say.
_PAYLOADS: Final[dict[type, Callable[[Any, Profile], Payload]]] = {
    SignalingEvent: _as_it_is,
    PeerEvent: _peer,
    ErrorEvent: _error,
    CredentialEvent: _credential,
    BackpressureEvent: _as_it_is,
}
