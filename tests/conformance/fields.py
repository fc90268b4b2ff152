"""Events that have every field of the contract, and the fields by their places in them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import cbor2

from tests.guests.helpers import Event, peer_event
from wasmhost.contract.hooks import HOOK_BY_NAME
from wasmhost.contract.schema import ALIASES, ENUMS, RECORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    Path = tuple[str, ...]


class Vector(NamedTuple):
    """One event: what is special about it, and its bytes. ``event`` is what they say."""

    name: str
    event: Event
    data: bytes

    @property
    def hook(self) -> str:
        """Whose event it is."""
        hook: str = self.event["hook"]
        return hook


class Field(NamedTuple):
    """A field of an event: of which hook's, where in it, of what type, and whether it may be absent."""

    hook: str
    path: Path
    kind: str
    optional: bool


_PLAIN: dict[str, object] = {"u32": 1, "u64": 2, "string": "text", "bool": True}


def full_event(hook: str) -> Event:
    """Make an event of a hook that has every field of the contract."""
    event = peer_event(hook)
    event["src"] = "source-é"
    event["ctx"] = _value("context")
    event["event"] = _value(HOOK_BY_NAME[hook].payload) if HOOK_BY_NAME[hook].payload else {}
    return event


def _value(kind: str | None) -> Any:
    kind = ALIASES.get(kind or "", kind or "")
    if kind in ENUMS:
        return ENUMS[kind][0]
    if kind in RECORDS:
        return {name: _value(_inner(field)) for name, field in RECORDS[kind].items()}
    return _PLAIN[kind]


def _inner(kind: str) -> str:
    return kind.removeprefix("option<").removesuffix(">")


def _fields(hook: str, record: str, path: Path) -> Iterator[Field]:
    for name, spelt in RECORDS[record].items():
        kind = ALIASES.get(_inner(spelt), _inner(spelt))
        yield Field(hook, (*path, name), kind, optional=_inner(spelt) != spelt)
        if kind in RECORDS:
            yield from _fields(hook, kind, (*path, name))


def _all_fields() -> list[Field]:
    """Each field of each record: those of payloads by the first hook that has it, those of contexts once."""
    fields = [*_fields("on_start", "context", ("ctx",))]
    first: dict[str, str] = {}
    for hook in HOOK_BY_NAME.values():
        if hook.payload is not None and hook.payload not in first:
            first[hook.payload] = hook.name
    for payload, hook_name in first.items():
        fields += _fields(hook_name, payload, ("event",))
    return fields


FIELDS = _all_fields()


def changed(event: Event, path: Path, value: object) -> Event:
    """Give a copy of an event with one value in it replaced."""
    made = copy.deepcopy(event)
    parent(made, path)[path[-1]] = value
    return made


def without(event: Event, path: Path) -> Event:
    """Give a copy of an event with one value left out."""
    made = copy.deepcopy(event)
    del parent(made, path)[path[-1]]
    return made


def parent(event: Any, path: Path) -> Any:
    """The map in an event that a place is in."""
    for key in path[:-1]:
        event = event[key]
    return event


def vector(name: str, event: Event) -> Vector:
    """Make a vector of an event in deterministic encoding."""
    return Vector(name, event, cbor2.dumps(event, canonical=True))


def maps(event: Event, path: Path = ()) -> Iterator[Path]:
    """Where in an event there are maps."""
    yield path
    value = parent(event, (*path, ""))
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from maps(event, (*path, key))
