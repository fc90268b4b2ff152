"""Checks a decoded hook-event against the contract, by tables that say what the WIT says.

``RECORDS`` and ``ENUMS`` hold the records and enums of ``wit/types.wit`` in the WIT's own spelling;
a test compares the two. From them each record gets one check function when the module is loaded, so
that checking an event costs a few microseconds and no reflection.

A check returns None, or what is wrong as ``path: problem`` with the path relative to the value, which
the record around it completes. Nothing is built on the way through a good event.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from wasmhost.contract.hooks import HOOKS
from wasmhost.contract.records import ErrorCategory, PeerStatus
from wasmhost.errors import UserError
from wasmhost.text import escape_untrusted

RECORDS: dict[str, dict[str, str]] = {
    "realm": {"realm-id": "u32"},
    "actr-type": {"manufacturer": "string", "name": "string", "version": "string"},
    "actr-id": {"realm": "realm", "serial-number": "u64", "type": "actr-type"},
    "context": {"self-id": "actr-id", "caller-id": "option<actr-id>", "request-id": "string"},
    "error-source": {"kind": "string", "message": "string"},
    "signaling-event": {"attempt": "option<u32>"},
    "peer-event": {"peer": "actr-id", "relayed": "option<bool>", "status": "option<peer-status>"},
    "stream-info": {"stream-id": "string", "session-id": "u64", "reason": "string"},
    "error-event": {
        "source": "error-source",
        "category": "error-category",
        "context": "string",
        "at": "timestamp",
        "stream": "option<stream-info>",
    },
    "credential-event": {"new-expiry": "timestamp"},
    "backpressure-event": {"queue-len": "u64", "threshold": "u64"},
}
"""The records of ``wit/types.wit``: field to type. An ``option`` may be absent, never null."""

ENUMS: dict[str, tuple[str, ...]] = {
    "peer-status": tuple(PeerStatus),
    "error-category": tuple(ErrorCategory),
}
"""The enums of ``wit/types.wit``."""

ALIASES: dict[str, str] = {"timestamp": "u64"}
"""The plain aliases of ``wit/types.wit``."""

OLD_CATEGORIES: dict[object, str] = {
    "data-chunk-delivery-uncertain": ErrorCategory.DATA_STREAM_DELIVERY_UNCERTAIN.value,
}
"""Categories that today's Rust nodes spell otherwise, and our spelling."""

_Check: TypeAlias = Callable[[object], str | None]


class RejectedEvent(UserError):
    """A well-formed item that breaks the schema or a limit; ``reason`` names the place and the fault."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def check_event(event: object) -> dict[str, object]:
    """Return the event itself once it is known to be a hook-event; raises RejectedEvent where it is none.

    Keys the contract does not know stay as they are. Of an unknown hook only the envelope and the
    context are checked: nobody will be handed its payload.
    """
    problem = _ENVELOPE(event)
    if problem is None and isinstance(event, dict):
        payload = _PAYLOADS.get(event["hook"])
        if payload is None:
            return event
        problem = payload(event["event"])
        if problem is None:
            return event
        problem = f".event{problem}"
    raise RejectedEvent(_sentence(problem or ""))


def normalise(event: dict[str, object]) -> bool:
    """Give an old spelling ours, in place; whether anything changed. Runs before the check."""
    payload = event.get("event")
    if event.get("hook") != "on_error" or not isinstance(payload, dict):
        return False
    category = payload.get("category")
    ours = OLD_CATEGORIES.get(category) if isinstance(category, str) else None
    if ours is None:
        return False
    payload["category"] = ours
    return True


def check_hello(hello: object) -> None:
    """Check the optional first item of a stream; raises RejectedEvent."""
    problem = _HELLO(hello)
    if problem is not None:
        raise RejectedEvent(_sentence(problem))


def _sentence(problem: str) -> str:
    return problem.removeprefix(".").removeprefix(": ")


def _type_name(value: object) -> str:
    """Say what CBOR calls a value."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "an integer", float: "a float", str: "text", bytes: "bytes"}
    names |= {list: "an array", dict: "a map"}
    return names.get(type(value), type(value).__name__)


def _shown(value: object) -> str:
    """Word a value for a message: short scalars as they are, the rest by type. Text may be hostile."""
    if isinstance(value, str):
        return f'"{escape_untrusted(value, 40)}"'
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return _type_name(value)


def _unsigned(bits: int) -> _Check:
    limit = (1 << bits) - 1

    def check(value: object) -> str | None:
        # type(), not isinstance(): a bool is an int in Python and none in CBOR.
        if type(value) is int and 0 <= value <= limit:
            return None
        what = str(value) if type(value) is int else _type_name(value)
        return f": expected an unsigned {bits}-bit integer, got {what}"

    return check


def _text(value: object) -> str | None:
    return None if type(value) is str else f": expected text, got {_type_name(value)}"


def _boolean(value: object) -> str | None:
    return None if type(value) is bool else f": expected a boolean, got {_type_name(value)}"


def _map(value: object) -> str | None:
    return None if type(value) is dict else f": expected a map, got {_type_name(value)}"


def _one_of(names: tuple[object, ...]) -> _Check:
    allowed = frozenset(names)
    wanted = ", ".join(str(name) for name in names)

    def check(value: object) -> str | None:
        # The type again: True == 1, and a list cannot be looked up in a set at all.
        if type(value) in {str, int} and value in allowed:
            return None
        return f": expected {'one of ' if len(names) > 1 else ''}{wanted}, got {_shown(value)}"

    return check


def _record(fields: dict[str, tuple[_Check, bool]]) -> _Check:
    """Make the check of a map with these keys: for each, its value's check and whether it must be there."""
    rows = tuple((key, check, required) for key, (check, required) in fields.items())

    def check_record(value: object) -> str | None:
        if type(value) is not dict:
            return f": expected a map, got {_type_name(value)}"
        for key, check, required in rows:
            if key in value:
                problem = check(value[key])
                if problem is not None:
                    return f".{key}{problem}"
            elif required:
                return f".{key}: missing"
        return None

    return check_record


def _by_wit(spelling: str) -> _Check:
    """Make the check of a type as the WIT spells it."""
    scalars: dict[str, _Check] = {
        "u32": _unsigned(32),
        "u64": _unsigned(64),
        "string": _text,
        "bool": _boolean,
    }
    spelling = ALIASES.get(spelling, spelling)
    if spelling in scalars:
        return scalars[spelling]
    if spelling in ENUMS:
        return _one_of(ENUMS[spelling])
    fields: dict[str, tuple[_Check, bool]] = {}
    for key, field in RECORDS[spelling].items():
        inner = field.removeprefix("option<").removesuffix(">")
        fields[key] = (_by_wit(inner), inner == field)
    return _record(fields)


_ENVELOPE = _record(
    {
        "hook": (_text, True),
        "seq": (_unsigned(64), True),
        "at": (_unsigned(64), True),
        "src": (_text, False),
        "ctx": (_by_wit("context"), False),
        "event": (_map, True),
    }
)
_PAYLOADS: dict[object, _Check] = {
    hook.name: _by_wit(hook.payload) for hook in HOOKS if hook.payload is not None
}
_HELLO = _record(
    {
        "hello": (_one_of((1,)), True),
        "src": (_text, True),
        "token": (_text, False),
        "ack": (_boolean, False),
    }
)
