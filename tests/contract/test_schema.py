"""What breaks the schema is refused, by the path to the fault; what the contract doesn't know passes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from tests.contract.strategies import plain_event
from wasmhost.contract.hooks import HOOKS
from wasmhost.contract.schema import RECORDS, RejectedEvent, check_event, check_hello, normalise

REMOVED = object()


def changed(event: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Copy an event with what is at a dotted path replaced or removed."""
    result = copy.deepcopy(event)
    *parents, last = path.split(".")
    place = result
    for key in parents:
        place = place[key]
    if value is REMOVED:
        del place[last]
    else:
        place[last] = value
    return result


ERROR = plain_event(
    "on_error",
    event={
        "source": {"kind": "internal", "message": "m"},
        "category": "handler-error",
        "context": "c",
        "at": 3,
        "stream": {"stream-id": "s", "session-id": 1, "reason": "r"},
    },
)
CALLER = changed(plain_event(), "ctx.caller-id", plain_event()["ctx"]["self-id"])

FAULTS: list[tuple[dict[str, Any], str, object, str]] = [
    (plain_event(), "hook", REMOVED, "hook: missing"),
    (plain_event(), "hook", 3, "hook: expected text, got an integer"),
    (plain_event(), "seq", REMOVED, "seq: missing"),
    (plain_event(), "seq", True, "seq: expected an unsigned 64-bit integer, got a boolean"),
    (plain_event(), "seq", 1.0, "seq: expected an unsigned 64-bit integer, got a float"),
    (plain_event(), "seq", -1, "seq: expected an unsigned 64-bit integer, got -1"),
    (plain_event(), "at", None, "at: expected an unsigned 64-bit integer, got null"),
    (plain_event(), "src", 1, "src: expected text, got an integer"),
    (plain_event(), "src", None, "src: expected text, got null"),
    (plain_event(), "ctx", None, "ctx: expected a map, got null"),
    (plain_event(), "ctx", [], "ctx: expected a map, got an array"),
    (plain_event(), "ctx.request-id", REMOVED, "ctx.request-id: missing"),
    (plain_event(), "ctx.self-id.type.name", b"x", "ctx.self-id.type.name: expected text, got bytes"),
    (CALLER, "ctx.caller-id.realm", {}, "ctx.caller-id.realm.realm-id: missing"),
    (
        plain_event(),
        "ctx.self-id.realm.realm-id",
        1 << 32,
        "ctx.self-id.realm.realm-id: expected an unsigned 32-bit integer, got 4294967296",
    ),
    (plain_event(), "event", REMOVED, "event: missing"),
    (plain_event(), "event", "x", "event: expected a map, got text"),
    (plain_event(), "event.peer", REMOVED, "event.peer: missing"),
    (
        plain_event(),
        "event.peer.serial-number",
        "1",
        "event.peer.serial-number: expected an unsigned 64-bit integer, got text",
    ),
    (plain_event(), "event.relayed", 1, "event.relayed: expected a boolean, got an integer"),
    (plain_event(), "event.relayed", None, "event.relayed: expected a boolean, got null"),
    (
        plain_event(),
        "event.status",
        "gone",
        'event.status: expected one of idle, connecting, connected, recovering, got "gone"',
    ),
    (
        plain_event(),
        "event.status",
        {},
        "event.status: expected one of idle, connecting, connected, recovering, got a map",
    ),
    (plain_event("on_start"), "event", [], "event: expected a map, got an array"),
    (ERROR, "event.source.kind", REMOVED, "event.source.kind: missing"),
    (
        ERROR,
        "event.stream.session-id",
        -5,
        "event.stream.session-id: expected an unsigned 64-bit integer, got -5",
    ),
    (
        plain_event("on_credential_renewed", event={"new-expiry": 1.5}),
        "seq",
        1,
        "event.new-expiry: expected an unsigned 64-bit integer, got a float",
    ),
    (
        plain_event("on_signaling_connecting", event={"attempt": 1 << 32}),
        "seq",
        1,
        "event.attempt: expected an unsigned 32-bit integer, got 4294967296",
    ),
    (plain_event("on_mailbox_backpressure"), "seq", 1, "event.queue-len: missing"),
    (plain_event("on_lunch"), "event", 1, "event: expected a map, got an integer"),
    (plain_event("on_lunch"), "ctx.request-id", 1, "ctx.request-id: expected text, got an integer"),
]


@pytest.mark.parametrize(
    ("event", "path", "value", "reason"), FAULTS, ids=[f"{row[1]}-{row[3][-25:]}" for row in FAULTS]
)
def test_a_fault_is_named_by_its_path(event: dict[str, Any], path: str, value: object, reason: str) -> None:
    """What was expected there, and what was found."""
    with pytest.raises(RejectedEvent) as refused:
        check_event(changed(event, path, value))
    assert refused.value.reason == str(refused.value) == reason


@pytest.mark.parametrize("value", [None, 1, "x", [], [1]])
def test_what_is_no_map_is_no_event(value: object) -> None:
    """An item of another kind is refused as such."""
    with pytest.raises(RejectedEvent, match=r"^expected a map, got "):
        check_event(value)


def test_hostile_text_is_shown_short_and_escaped() -> None:
    """A message is read in a terminal: no control characters, and no more of them than fits a line."""
    with pytest.raises(RejectedEvent) as refused:
        check_event(changed(plain_event(), "event.status", "\x1b[2J" + "x" * 60_000))
    assert refused.value.reason.isprintable()
    assert len(refused.value.reason) < 150


@pytest.mark.parametrize(
    "path", ["zzz", "ctx.zzz", "ctx.self-id.zzz", "ctx.self-id.realm.zzz", "event.zzz", "event.peer.zzz"]
)
def test_unknown_keys_pass_and_stay(path: str) -> None:
    """A later version of the contract may add members anywhere."""
    event = changed(plain_event(), path, [1.5, {"a": None}])
    assert check_event(event) is event
    assert event == changed(plain_event(), path, [1.5, {"a": None}])


def test_an_unknown_hook_is_accepted_with_any_map() -> None:
    """The host skips it; there is nobody to be hurt by its payload."""
    event = plain_event("on_lunch", event={"peer": 5})
    assert check_event(event) is event


@pytest.mark.parametrize("hook", HOOKS, ids=[hook.name for hook in HOOKS])
def test_the_payload_checked_is_the_one_of_the_hook(hook: Any) -> None:
    """An empty map is refused exactly where the hook's record has a required field."""
    required = (
        [] if hook.payload is None else [f for f in RECORDS[hook.payload].values() if f[:6] != "option"]
    )
    event = plain_event(hook.name, event={})
    if required:
        with pytest.raises(RejectedEvent, match=r"^event\.[a-z-]+: missing$"):
            check_event(event)
    else:
        assert check_event(event) is event


def test_the_old_spelling_of_a_category_becomes_ours() -> None:
    """Only there, only that one, and only once."""
    event = changed(ERROR, "event.category", "data-chunk-delivery-uncertain")
    assert normalise(event)
    assert event == changed(ERROR, "event.category", "data-stream-delivery-uncertain")
    assert not normalise(event)
    others: list[dict[str, object]] = [
        {},
        {"hook": "on_error"},
        {"hook": "on_error", "event": 1},
        {"hook": "on_error", "event": {"category": []}},
    ]
    for other in others:
        assert not normalise(other)


def test_a_hello_has_version_one_a_source_and_perhaps_a_token() -> None:
    """Anything else under its keys is refused."""
    check_hello({"hello": 1, "src": "node-1"})
    check_hello({"hello": 1, "src": "node-1", "token": "t", "later": 1})
    for hello, reason in [
        ({"hello": 2, "src": "x"}, "hello: expected 1, got 2"),
        ({"hello": True, "src": "x"}, "hello: expected 1, got a boolean"),
        ({"hello": 1}, "src: missing"),
        ({"hello": 1, "src": "x", "token": 1}, "token: expected text, got an integer"),
    ]:
        with pytest.raises(RejectedEvent) as refused:
            check_hello(hello)
        assert refused.value.reason == reason
