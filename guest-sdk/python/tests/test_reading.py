"""Events are read as the contract has them, and nothing else is."""
# ruff: noqa: S101 - tests assert

from __future__ import annotations

import random
from io import BytesIO
from typing import Any

import cbor2
import pytest
from wasmhost_observer import records
from wasmhost_observer.events import frame_reader
from wasmhost_observer.reading import FAULTS, Malformed, boolean, remembered, skip, text, uint, uint32
from wasmhost_observer.writing import encode

NODE = records.ActrId(records.Realm(2**32 - 1), 2**64 - 1, records.ActrType("lab", "Échø 🛰", "1.0.0"))
PEER = records.ActrId(records.Realm(7), 2, records.ActrType("lab", "peer", ""))
EVENTS = [
    records.SignalingEvent(),
    records.SignalingEvent(attempt=2**32 - 1),
    records.PeerEvent(PEER),
    records.PeerEvent(PEER, relayed=False, status=records.PeerStatus.RECOVERING),
    records.ErrorEvent(
        records.ErrorSource("internal", "x" * 300),
        records.ErrorCategory.DATA_STREAM_DELIVERY_UNCERTAIN,
        "",
        2**63,
        records.StreamInfo("s", 2**64 - 1, "closed"),
    ),
    records.CredentialEvent(2**64 - 1),
    records.BackpressureEvent(24, 256),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
@pytest.mark.parametrize("ctx", [None, records.Context(NODE), records.Context(NODE, PEER, "r-1")])
@pytest.mark.parametrize("src", [None, "", "node-é"])
def test_what_is_written_is_read(
    event: tuple[Any, ...], ctx: records.Context | None, src: str | None
) -> None:
    """Every record, whole numbers at their limits, text beyond ASCII, optionals absent and there."""
    frame: dict[str, Any] = {
        "at": 0,
        "seq": 1,
        "hook": "on_x",
        "event": event,
        "more": [{"deep": [b"x", 1.5, None]}],
    }
    if ctx is not None:
        frame["ctx"] = ctx
    if src is not None:
        frame["src"] = src
    decode = frame_reader(type(event))
    assert decode(encode(frame)) == (ctx, event, src)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_a_frame_cut_short_is_malformed(event: tuple[Any, ...]) -> None:
    """Wherever it ends; and so is one with a byte too many."""
    decode = frame_reader(type(event))
    data = encode(
        {"at": 2**40, "seq": 1, "ctx": records.Context(NODE), "event": event, "zz": [1, {"a": b"x"}]}
    )
    for size in range(len(data)):
        with pytest.raises(Malformed):
            decode(data[:size])
    with pytest.raises(Malformed):
        decode(data + b"\x00")


@pytest.mark.parametrize(
    ("payload", "event"),
    [
        (records.PeerEvent, {}),
        (records.PeerEvent, {"peer": 7}),
        (records.PeerEvent, {"peer": {"type": {}, "realm": {"realm-id": 1}, "serial-number": 1}}),
        (records.PeerEvent, {"peer": PEER, "relayed": 1}),
        (records.PeerEvent, {"peer": PEER, "relayed": None}),
        (records.PeerEvent, {"peer": PEER, "status": "asleep"}),
        (records.SignalingEvent, {"attempt": 2**32}),
        (records.CredentialEvent, {"new-expiry": -1}),
        (records.CredentialEvent, []),
        (None, "x"),
    ],
)
def test_an_event_that_breaks_the_schema_is_malformed(payload: type | None, event: object) -> None:
    """Missing, of another type, null, out of range, or of a case that there is not."""
    data = encode({"at": 1, "seq": 1, "event": event})  # type: ignore[dict-item]
    with pytest.raises(Malformed):
        frame_reader(payload)(data)


@pytest.mark.parametrize("width", range(4))
def test_numbers_of_every_width_are_read(width: int) -> None:
    """Also where a shorter form would do: the host writes the shortest, and a guest need not mind."""
    data = bytes([24 + width]) + (7).to_bytes(1 << width, "big")
    assert uint(BytesIO(data)) == 7


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x18",
        b"\x19\x01",
        b"\x1c",
        b"\x1f",
        b"\x9f\xff",
        b"\xc1\x00",
        b"\x62a",
        b"\x82\x01",
        b"\xbb" + b"\xff" * 8,
        b"\x7b" + b"\xff" * 8,
        b"\xf7",
        b"\xf8\x20",
        b"\xfb\x00",
        b"\xff",
    ],
)
def test_what_the_contract_does_not_allow_is_not_skipped(data: bytes) -> None:
    """Cut short, reserved, indefinite, tagged, of a size that there is not, undefined."""
    with pytest.raises(FAULTS):
        skip(BytesIO(data))


def test_an_item_of_another_type_is_refused() -> None:
    """A half float is no boolean, bytes are no text."""
    for read, data in ((boolean, b"\xf9\x00\x15"), (text, b"\x41a"), (text, b"\x61\xff"), (uint, b"\x20")):
        with pytest.raises(FAULTS):
            read(BytesIO(data))
    with pytest.raises(FAULTS):
        uint32(BytesIO(b"\x1b\x00\x00\x00\x01\x00\x00\x00\x00"))


def test_deep_nesting_costs_no_stack() -> None:
    """As deep as an event can be long."""
    stream = BytesIO(b"\x81" * 65_535 + b"\x00\x07")
    skip(stream)
    assert stream.read() == b"\x07"


def test_a_value_that_came_before_is_not_read_again() -> None:
    """And a few are remembered, the latest ones, if they are short."""
    seen = []

    def read(stream: BytesIO) -> str:
        seen.append(text(stream))
        return seen[-1]

    reader = remembered(read, most=2)

    def look(word: str) -> str:
        stream = BytesIO(encode([word, 1]))
        stream.read(1)
        found = reader(stream)
        assert stream.read() == b"\x01"
        return found

    for word in ("a", "a", "b", "a", "c", "a", "x" * 300, "x" * 300):
        assert look(word) == word
    assert [word[:1] for word in seen] == ["a", "b", "c", "a", "x", "x"]


@pytest.mark.parametrize("seed", range(20))
def test_keys_are_read_in_any_order(seed: int) -> None:
    """With others between them; deterministic order is what the host writes, and no more than that."""
    dice = random.Random(seed)  # noqa: S311 - no secret

    def shuffled(item: Any) -> Any:
        if not isinstance(item, dict):
            return item
        entries = [(key, shuffled(value)) for key, value in item.items()] + [
            (f"more-{dice.random()}", [1, {}])
        ]
        dice.shuffle(entries)
        return dict(entries)

    event = records.PeerEvent(PEER, relayed=True)
    ctx = records.Context(NODE, PEER, "r-1")
    frame = cbor2.loads(encode({"at": 1, "seq": 2, "src": "s", "ctx": ctx, "hook": "h", "event": event}))
    decode = frame_reader(records.PeerEvent)
    assert decode(cbor2.dumps(shuffled(frame))) == (ctx, event, "s")
