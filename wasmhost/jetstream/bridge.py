"""Events of a file or of standard input into a stream: under the subjects of their nodes, and each once.

All events of one source go under one subject, so that they stay in one partition, and in their order. Which
one that is, the source's first event with an identity says: its node's realm and serial number. Events before
it are held back meanwhile.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import cbor2

from wasmhost.contract.codec import Frame
from wasmhost.jetstream.names import escaped
from wasmhost.jetstream.publishing import Message, publish_all
from wasmhost.sources.base import Rejected, SourceEnded

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from wasmhost.jetstream.names import Names
    from wasmhost.jetstream.publishing import Lives
    from wasmhost.sources.base import SourceItem

_HELD: Final = 64  # events of one source that may wait for its identity
_SOURCES: Final = 65_536
_TOGETHER: Final = 512
_NO_REALM: Final = "0"
_STDIN: Final = "-"


@dataclass(slots=True)
class Bridged:
    """What became of a source's items. ``errors``: why one ended early, a line each."""

    published: int = 0
    rejected: int = 0
    errors: list[str] = field(default_factory=list[str])


class _Event(NamedTuple):
    src: str
    seq: int
    data: bytes


class Router:
    """Makes messages of events: with a source in each, and under the subject of its node."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._subjects: dict[str, str] = {}
        self._held: dict[str, list[_Event]] = {}
        self._stdin = f"stdin-{secrets.token_hex(8)}"

    def route(self, frame: Frame) -> list[Message]:
        """Give the messages that can go now: none, one, or those that waited, too."""
        event: dict[str, Any] = cbor2.loads(frame.data)
        src = event.get("src") or (self._stdin if frame.src in {None, _STDIN} else frame.src)
        data = frame.data if "src" in event else cbor2.dumps({**event, "src": src}, canonical=True)
        one = _Event(src, frame.seq, data)
        subject = self._subjects.get(src)
        if subject is not None:
            return [_message(subject, one)]
        waiting = self._held.setdefault(src, [])
        waiting.append(one)
        identity = event.get("ctx", {}).get("self-id")
        if identity is None and len(waiting) < _HELD:
            return []
        if identity is None:
            return self._settle(src, _NO_REALM, src)
        return self._settle(src, str(identity["realm"]["realm-id"]), str(identity["serial-number"]))

    def rest(self) -> list[Message]:
        """Give what still waits: no identity will come."""
        return [message for src in list(self._held) for message in self._settle(src, _NO_REALM, src)]

    def _settle(self, src: str, realm: str, node: str) -> list[Message]:
        if len(self._subjects) >= _SOURCES:
            del self._subjects[next(iter(self._subjects))]
        subject = self._subjects[src] = self._names.event(realm, node)
        return [_message(subject, event) for event in self._held.pop(src)]


def _message(subject: str, event: _Event) -> Message:
    return Message(subject, f"e.{escaped(event.src)}.{event.seq}", event.data)


async def bridge(source: AsyncIterable[SourceItem], link: Lives, names: Names) -> Bridged:
    """Publish all events of a source, in their order, and wait until the stream has them.

    :raises Refused: the stream will not take one.
    """
    done = Bridged()
    router = Router(names)
    waiting: list[Message] = []
    async for item in source:
        if isinstance(item, Frame):
            waiting += router.route(item)
        elif isinstance(item, Rejected):
            done.rejected += 1
        elif isinstance(item, SourceEnded) and item.error is not None:
            done.errors.append(f"{item.source}: {item.error}")
        if len(waiting) >= _TOGETHER:
            await publish_all(link, waiting)
            done.published += len(waiting)
            waiting = []
    waiting += router.rest()
    await publish_all(link, waiting)
    done.published += len(waiting)
    return done
