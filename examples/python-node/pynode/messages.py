"""What goes over the wires of the node: JSON objects, each of which says its own type.

Two vocabularies: what a node and its signaling server say to each other, and what nodes say to each other
over WebSocket and WebRTC alike. All fields are strings and numbers, so one small codec does for both.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, TypeAlias

from pynode.identity import parse_id

if TYPE_CHECKING:
    from wasmhost import ActrId

# Between a node and its signaling server.


@dataclass(frozen=True, slots=True)
class Hello:
    """The node asks to be let in; with the credential it has, if any, to be who it was."""

    realm: int
    name: str
    url: str  # where it listens for WebSocket links of its peers
    token: str = ""


@dataclass(frozen=True, slots=True)
class Welcome:
    """The node is in, under this identity, with a credential that ends at ``expiry`` (Unix nanoseconds)."""

    you: str
    token: str
    expiry: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The server will not do what was asked of it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Renew:
    """The node asks for a new credential, by the one that it has."""

    token: str


@dataclass(frozen=True, slots=True)
class Renewed:
    """The new credential."""

    token: str
    expiry: int


@dataclass(frozen=True, slots=True)
class Joined:
    """A peer is there, and listens at ``url``."""

    peer: str
    url: str


@dataclass(frozen=True, slots=True)
class Left:
    """A peer has lost its connection to the server."""

    peer: str


@dataclass(frozen=True, slots=True)
class Description:
    """An ``offer`` or ``answer`` of WebRTC: ``peer`` is who it is for, or as it arrives, who sent it."""

    peer: str
    kind: str
    sdp: str


# Between nodes.


@dataclass(frozen=True, slots=True)
class Ping:
    """The question whether the peer is there."""


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer that it is."""


@dataclass(frozen=True, slots=True)
class Request:
    """Something for the peer's mailbox."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What the peer's handler made of a request; with ``failed`` at 1, ``text`` is why it could not."""

    id: str
    text: str
    failed: int = 0


Message: TypeAlias = (
    Hello | Welcome | Refused | Renew | Renewed | Joined | Left | Description | Ping | Pong | Request | Reply
)

_TYPES: dict[str, type[Message]] = {
    kind.__name__.lower(): kind
    for kind in (
        *(Hello, Welcome, Refused, Renew, Renewed, Joined, Left, Description),
        *(Ping, Pong, Request, Reply),
    )
}
_FIELD_TYPES = {"str": str, "int": int}  # annotations are strings here


class BadMessageError(Exception):
    """The other side said what is no message of ours."""


def read_id(text: str) -> ActrId:
    """Read an identity in a message. Raises BadMessageError."""
    try:
        return parse_id(text)
    except ValueError as error:
        raise BadMessageError(str(error)) from None


def encode(message: Message) -> str:
    """Write a message."""
    return json.dumps({"type": type(message).__name__.lower(), **asdict(message)})


def decode(text: str | bytes) -> Message:
    """Read a message. Raises BadMessageError."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadMessageError(f"no JSON: {error}") from None
    kind = _TYPES.get(str(values.pop("type", ""))) if isinstance(values, dict) else None
    if kind is None:
        raise BadMessageError("an object with a known type is wanted")
    wanted = {field.name: _FIELD_TYPES[str(field.type)] for field in fields(kind)}
    wrong = [
        name for name, value in values.items() if type(value) is not wanted.get(name) or not _is_sound(value)
    ]
    if wrong:
        raise BadMessageError(f"{kind.__name__}: unknown, or not as it should be: {', '.join(wrong)}")
    try:
        return kind(**values)
    except TypeError as error:
        raise BadMessageError(f"{kind.__name__}: {error}") from None


def _is_sound(value: object) -> bool:
    """Tell whether a value can be told on: a number of 64 bits, text that UTF-8 can say."""
    if isinstance(value, int):
        return 0 <= value < 2**64
    return not any("\ud800" <= character <= "\udfff" for character in str(value))
