"""Events in which every value that may be withheld can be told from all others, wherever it turns up."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import cbor2

from wasmhost.contract.encode import as_map
from wasmhost.contract.hooks import HOOKS
from wasmhost.contract.manifest import FIELDS
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
    from wasmhost.contract.hooks import Hook
    from wasmhost.contract.records import Payload

EVERY = frozenset(FIELDS)
_Value = TypeVar("_Value", str, int)
_WORDS = "abcdefghijklmnopqrstuvwxyzäöüßжщя漢字🌊"


@dataclass(slots=True)
class Telling:
    """One event as a node emits it, and its values: which fields must be granted for each to be shown."""

    hook: str
    ctx: RuntimeContext | None = None
    payload: Payload | None = None
    src: str = ""
    values: list[tuple[str | int, frozenset[str]]] = field(default_factory=list)

    def shown_in(self, data: bytes, granted: frozenset[str]) -> list[str | int]:
        """Return the values that are in these bytes though not all of their fields are granted."""
        return [value for value, fields in self.values if not fields <= granted and spelt(value) in data]

    def missing_in(self, data: bytes, granted: frozenset[str]) -> list[str | int]:
        """Return the values that are not in these bytes though all of their fields are granted."""
        return [value for value, fields in self.values if fields <= granted and spelt(value) not in data]

    def encoded(self, seq: int, extra: str | None = None) -> bytes:
        """Encode it as it comes from outside; ``extra`` is a value under keys that nobody knows."""
        payload, ctx = _map(self.payload), _map(self.ctx)
        event: dict[str, Any] = {"hook": self.hook, "seq": seq, "at": seq, "src": self.src, "event": payload}
        if self.ctx is not None:
            event["ctx"] = ctx
        if extra is not None:
            for place in (event, payload, ctx, payload.get("peer", {})):
                place["x-extra"] = extra
        return cbor2.dumps(event, canonical=True)


def _map(record: Payload | RuntimeContext | None) -> dict[str, Any]:
    plain = as_map(record)
    return plain if isinstance(plain, dict) else {}


def spelt(value: str | int) -> bytes:
    """Spell a value as an event has it, without the head of a text: what is cut or glued is found too."""
    return value.encode() if isinstance(value, str) else cbor2.dumps(value)


class Author:
    """Makes events out of random numbers. All texts and numbers in them are its own."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._event = Telling("")

    def event(self, hook: Hook) -> Telling:
        """Make an event of a hook, with all that it can carry."""
        self._event = event = Telling(hook.name)
        event.src = self.text("self")
        event.ctx = RuntimeContext(self.actor("self"), self.actor("peer"), self.text("self", "peer"))
        event.payload = self._payload(hook)
        return event

    def _payload(self, hook: Hook) -> Payload | None:
        match hook.payload:
            case "signaling-event":
                return SignalingEvent(3)
            case "peer-event":
                return PeerEvent(self.actor("peer"), self._random.choice((None, True)), PeerStatus.RECOVERING)
            case "error-event":
                source = ErrorSource(self.text(*FIELDS), self.text(*FIELDS))
                stream = StreamInfo(self.text("stream"), self.number(64, "stream"), self.text(*FIELDS))
                return ErrorEvent(source, ErrorCategory.HANDLER_ERROR, self.text(*FIELDS), 5, stream)
            case "credential-event":
                return CredentialEvent(self.number(64, "credential"))
            case "backpressure-event":
                return BackpressureEvent(900, 800)
        return None

    def actor(self, name: str) -> ActrId:
        """Make an identity."""
        kind = ActrType(self.text(name), self.text(name), self.text(name))
        return ActrId(Realm(self.number(32, name)), self.number(64, name), kind)

    def text(self, *fields: str) -> str:
        """Make a text of some ten characters, sometimes of very many."""
        length = 2_000 if self._random.random() < 0.05 else self._random.randint(10, 20)
        return self._noted("".join(self._random.choices(_WORDS, k=length)), fields)

    def number(self, bits: int, *fields: str) -> int:
        """Make a number that takes all of its bytes."""
        return self._noted(self._random.getrandbits(bits - 1) | 1 << (bits - 1), fields)

    def _noted(self, value: _Value, fields: tuple[str, ...]) -> _Value:
        self._event.values.append((value, frozenset(fields)))
        return value


def events(seed: int) -> list[Telling]:
    """Make one event of each hook."""
    author = Author(seed)
    return [author.event(hook) for hook in HOOKS]
