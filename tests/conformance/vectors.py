"""Events as CBOR allows them: what an SDK must read, and what it must refuse, group by group.

They are made from the contract's own tables (`fields.py`), so that a field which is added there is in here.
"""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING, Any

import cbor2

from tests.conformance.fields import FIELDS, Field, Vector, changed, full_event, maps, vector, without
from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.contract.scan import MAX_DEPTH, MAX_EVENT_BYTES
from wasmhost.contract.schema import ENUMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

U32, U64 = 2**32 - 1, 2**64 - 1
WIDTHS = [0, 1, 23, 24, 255, 256, 65_535, 65_536, U32]
LIMITS = {"u32": WIDTHS, "u64": [*WIDTHS, U32 + 1, 2**53, 2**53 + 1, 2**63 - 1, 2**63, U64]}
TEXTS = [
    "",
    "a",
    "a" * 23,
    "a" * 24,
    "a" * 255,
    "a" * 256,
    "größe 🛰",
    "\0",
    "\ufeffbom",
    "e\u0301",
    "\u07ff\u0800\uffff\U00010000\U0010ffff",
    'quote " and \\ and \n',
    "🛰" * 5_000,
]
ANYTHING: dict[str, object] = {
    "zero": 0,
    "number": U64,
    "negative": -1,
    "most negative": -(2**64),
    "bytes": b"\xff" * 70_0,
    "no bytes": b"",
    "text": "größe",
    "list": [1, [2, [3, {}]]],
    "long list": list(range(300)),
    "map": {"seq": 1, "event": {"peer": {}}},
    "wide map": {f"key-{number}": number for number in range(70)},
    "false": False,
    "true": True,
    "null": None,
    "half": 0.5,
    "single": 100_000.0,
    "double": 1.1,
    "infinite": math.inf,
    "not a number": math.nan,
}
"""A value of every type of CBOR that the contract lets in."""

WRONG = {
    "a number": 7,
    "negative": -1,
    "text": "7",
    "bytes": b"7",
    "list": [7],
    "map": {},
    "true": True,
    "null": None,
    "float": 7.0,
}
"""A value of every type, to stand where another belongs."""

_FITS = {
    "u32": {"a number"},
    "u64": {"a number"},
    "string": {"text"},
    "bool": {"true"},
}


# What every SDK must read.


def integers() -> Iterator[Vector]:
    """Every unsigned field, at every width of a head and at its limits."""
    for field in FIELDS:
        for number in LIMITS.get(field.kind, []):
            event = changed(full_event(field.hook), field.path, number)
            yield vector(f"{'.'.join(field.path)} = {number}", event)


def texts() -> Iterator[Vector]:
    """Every text, empty, long, and in every width of UTF-8."""
    for field in [*FIELDS, Field("on_start", ("src",), "string", optional=True)]:
        if field.kind == "string":
            for number, text in enumerate(TEXTS):
                event = changed(full_event(field.hook), field.path, text)
                yield vector(f"{'.'.join(field.path)}: text {number}", event)


def cases() -> Iterator[Vector]:
    """Every case of every enum, and both booleans."""
    for field in FIELDS:
        for case in (False, True) if field.kind == "bool" else ENUMS.get(field.kind, ()):
            yield vector(
                f"{'.'.join(field.path)} = {case}", changed(full_event(field.hook), field.path, case)
            )


def absent_optionals() -> Iterator[Vector]:
    """Each optional field left out, and all of them."""
    for hook in HOOK_BY_NAME:
        event = full_event(hook)
        del event["src"]
        for field in FIELDS:
            if field.optional and (field.hook == hook or field.path[0] == "ctx"):
                yield vector(f"{hook} without {'.'.join(field.path)}", without(full_event(hook), field.path))
                event = without(event, field.path)
        yield vector(f"{hook} without all optionals", event)


def unknown_keys() -> Iterator[Vector]:
    """A value of every type under a key that nobody knows, in every map of an event."""
    event = full_event("on_error")
    for path in maps(event):
        for name, value in ANYTHING.items():
            for key in ("a", "zzz-a-longer-key-than-any-of-the-contract"):
                where = ".".join(path) or "the event"
                yield vector(f"{name} under {key} in {where}", changed(event, (*path, key), value))
    yield vector("under a key of 300 bytes", changed(event, ("event", "k" * 300), 1))
    yield vector("under a key that is empty", changed(event, ("event", ""), 1))
    yield vector("under a key beyond ASCII", changed(event, ("event", "größe 🛰"), 1))


def deep() -> Iterator[Vector]:
    """As deep as the contract lets in."""
    for path in ((), ("ctx",), ("ctx", "self-id", "type"), ("event",), ("event", "peer", "realm")):
        nested: object = {"x": []}
        for level in range(MAX_DEPTH - len(path) - 3):
            nested = [nested, level] if level % 2 else {"x": nested, "y": level}
        event = changed(full_event("on_webrtc_connected"), (*path, "deep"), nested)
        yield vector(f"{MAX_DEPTH} levels, through {'.'.join(path) or 'the event'}", event)


def large() -> Iterator[Vector]:
    """As large as the contract lets in, by an unknown key and by a known one."""
    for hook, path in (("on_start", ("more",)), ("on_error", ("event", "context"))):
        event = changed(full_event(hook), path, "")
        # A text of that size needs two bytes more for its length than an empty one.
        room = MAX_EVENT_BYTES - len(cbor2.dumps(event, canonical=True)) - 2
        # What is known comes back in a report, whose bytes have to fit as well.
        yield vector(f"{hook}: {room} bytes in {path[-1]}", changed(event, path, "x" * (room - 200)))
    yield vector("exactly the limit", changed(full_event("on_start"), ("more",), "x" * _room("on_start")))


def _room(hook: str) -> int:
    empty = cbor2.dumps(changed(full_event(hook), ("more",), ""), canonical=True)
    return MAX_EVENT_BYTES - len(empty) - 2


def any_order() -> Iterator[Vector]:
    """Keys in any order, in every map: a guest does not lean on the deterministic one."""
    dice = random.Random(4)
    for hook in HOOK_BY_NAME:
        for turn in range(4):
            event = _shuffled(changed(full_event(hook), ("event", "unknown"), [1, {"x": 2}]), dice)
            yield Vector(f"{hook}, order {turn}", event, cbor2.dumps(event))


def _shuffled(value: Any, dice: random.Random) -> Any:
    if not isinstance(value, dict):
        return value
    keys = list(value)
    dice.shuffle(keys)
    return {key: _shuffled(value[key], dice) for key in keys}


# What every SDK must refuse.


def missing() -> Iterator[Vector]:
    """Each field that must be there, left out."""
    for field in FIELDS:
        if not field.optional:
            yield vector(
                f"{field.hook} without {'.'.join(field.path)}", without(full_event(field.hook), field.path)
            )
    for key in ("ctx", "event"):
        yield vector(f"without {key}", without(full_event("on_webrtc_connected"), (key,)))


def wrong_types() -> Iterator[Vector]:
    """A value of every other type for each field; null for an optional one, too."""
    others = [
        Field("on_start", ("ctx",), "context", optional=True),
        Field("on_webrtc_connected", ("event",), "peer-event", optional=False),
        Field("on_start", ("src",), "string", optional=True),
    ]
    for field in [*FIELDS, *others]:
        # A text for an enum is no case of it, and an empty map lacks what a record must have.
        for name, value in WRONG.items():
            if name not in _FITS.get(field.kind, set()):
                event = changed(full_event(field.hook), field.path, value)
                yield vector(f"{name} for {field.hook} {'.'.join(field.path)}", event)


def too_much() -> Iterator[Vector]:
    """A number that does not fit, and what is almost a case of an enum."""
    for field in FIELDS:
        values: list[object] = []
        if field.kind == "u32":
            values = [U32 + 1, U64]
        elif field.kind in ENUMS:
            values = [case[:-1] for case in ENUMS[field.kind]]
            values += [f"{case}x" for case in ENUMS[field.kind]]
            values += ["", ENUMS[field.kind][0].upper(), " ".join(ENUMS[field.kind]), "\0"]
        for value in values:
            event = changed(full_event(field.hook), field.path, value)
            yield vector(f"{field.hook} {'.'.join(field.path)} = {value!r}", event)


def no_event_at_all() -> Iterator[Vector]:
    """Bytes that are no map, or none."""
    whole = full_event("on_webrtc_connected")
    for name, value in WRONG.items():
        if name != "map":
            yield Vector(f"{name} for the event", whole, cbor2.dumps(value))
    yield Vector("no bytes", whole, b"")
    yield Vector("an empty map", whole, b"\xa0")


READ: dict[str, Callable[[], Iterator[Vector]]] = {
    "integers": integers,
    "texts": texts,
    "cases": cases,
    "absent optionals": absent_optionals,
    "unknown keys": unknown_keys,
    "deep": deep,
    "large": large,
    "any order": any_order,
}
REFUSED: dict[str, Callable[[], Iterator[Vector]]] = {
    "missing": missing,
    "wrong types": wrong_types,
    "too much": too_much,
    "no event at all": no_event_at_all,
}
