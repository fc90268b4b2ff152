"""Hypothesis strategies for what travels: typed events, and CBOR in every spelling it has."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from wasmhost.contract import records as r
from wasmhost.contract.hooks import HOOKS

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

TRACE = Path(__file__).parents[2] / "wasmhost" / "demo" / "traces" / "actr-0.4.21-loopback.cborseq"

U32 = (1 << 32) - 1
U64 = (1 << 64) - 1

# Numbers where a head changes its width, and any others.
u32 = st.sampled_from([0, 23, 24, 255, 256, 65535, 65536, U32]) | st.integers(0, U32)
u64 = st.sampled_from([0, 23, 24, 255, 256, 65535, 65536, U32, U32 + 1, U64]) | st.integers(0, U64)
texts = st.text(max_size=8) | st.text(max_size=300)

actr_ids = st.builds(
    r.ActrId,
    st.builds(r.Realm, u32),
    u64,
    st.builds(r.ActrType, texts, st.text(max_size=5), st.text(max_size=5)),
)
contexts = st.builds(r.RuntimeContext, actr_ids, st.none() | actr_ids, texts)
statuses = st.none() | st.sampled_from(r.PeerStatus)
payloads: dict[str | None, SearchStrategy[Any]] = {
    None: st.none(),
    "signaling-event": st.builds(r.SignalingEvent, st.none() | u32),
    "peer-event": st.builds(r.PeerEvent, actr_ids, st.none() | st.booleans(), statuses),
    "error-event": st.builds(
        r.ErrorEvent,
        st.builds(r.ErrorSource, texts, texts),
        st.sampled_from(r.ErrorCategory),
        texts,
        u64,
        st.none() | st.builds(r.StreamInfo, texts, u64, texts),
    ),
    "credential-event": st.builds(r.CredentialEvent, u64),
    "backpressure-event": st.builds(r.BackpressureEvent, u64, u64),
}
hook_calls = st.sampled_from(HOOKS).flatmap(
    lambda hook: st.tuples(st.just(hook.name), payloads[hook.payload])
)

ACTR = r.ActrId(r.Realm(7), 1, r.ActrType("lab", "Echo", "1.0.0"))
CTX = r.RuntimeContext(ACTR, None, "hook-1")


def plain_actr() -> dict[str, Any]:
    """Make a good identity as the plain map it decodes to."""
    kind = {"manufacturer": "a", "name": "b", "version": "c"}
    return {"realm": {"realm-id": 7}, "serial-number": 1, "type": kind}


def plain_event(hook: str = "on_webrtc_connected", **changes: object) -> dict[str, Any]:
    """Make a good hook-event as the plain map it decodes to, with some of its members replaced."""
    payload = {"peer": plain_actr()} if "web" in hook else {}
    ctx = {"self-id": plain_actr(), "request-id": ""}
    return {"hook": hook, "seq": 1, "at": 2, "ctx": ctx, "event": payload} | changes


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-U64 - 1, U64)
    | st.floats()
    | st.sampled_from([0.0, -0.0, 1.5, 65504.0, 65536.0, 1e300, float("inf"), float("nan"), 2.0**-24])
    | st.binary(max_size=30)
    | texts
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=30), inner, max_size=4),
    max_leaves=12,
)
"""What the contract permits, decoded."""


@st.composite
def spellings(draw: DrawFn) -> tuple[object, bytes]:
    """Draw a permitted value and one of its encodings: any width of head, any order of keys."""
    value = draw(values)
    return value, spell(draw, value)


def spell(draw: DrawFn, value: object) -> bytes:
    """Draw one of the encodings of a permitted value."""
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, int):
        return _head(draw, 0, value) if value >= 0 else _head(draw, 1, -1 - value)
    if isinstance(value, float):
        return _spell_float(draw, value)
    if isinstance(value, bytes):
        return _head(draw, 2, len(value)) + value
    if isinstance(value, str):
        data = value.encode()
        return _head(draw, 3, len(data)) + data
    if isinstance(value, list):
        return _head(draw, 4, len(value)) + b"".join(spell(draw, item) for item in value)
    assert isinstance(value, dict)
    pairs = [spell(draw, key) + spell(draw, item) for key, item in value.items()]
    return _head(draw, 5, len(pairs)) + b"".join(draw(st.permutations(pairs)))


def _head(draw: DrawFn, major: int, argument: int) -> bytes:
    widths = [width for width in (0, 1, 2, 4, 8) if argument < (24 if width == 0 else 1 << 8 * width)]
    width = draw(st.sampled_from([widths[0], widths[0], *widths]))
    if width == 0:
        return bytes([major << 5 | argument])
    return bytes([major << 5 | 24 + (1, 2, 4, 8).index(width)]) + argument.to_bytes(width, "big")


def _spell_float(draw: DrawFn, value: float) -> bytes:
    encodings = [b"\xfb" + struct.pack(">d", value)]
    for head, form in ((b"\xfa", ">f"), (b"\xf9", ">e")):
        try:
            shorter = struct.pack(form, value)
        except OverflowError:
            break
        if value == value and struct.unpack(form, shorter)[0] != value:
            break
        encodings.append(head + shorter)
    return draw(st.sampled_from([*encodings, encodings[-1], encodings[-1]]))
