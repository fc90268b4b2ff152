"""Recorded events into a stream: under the subjects of their nodes, and each once.

All events of one source go under one subject, so that they stay in one partition, and in their order. Which
one that is, the source's first event with an identity says: its node's realm and serial number. Events before
it are held back meanwhile.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import cbor2

from wasmhost.errors import SourceError
from wasmhost.host.mishaps import tell_operator
from wasmhost.jetstream.layout import ensure_layout
from wasmhost.jetstream.link import Link, NoAnswer, Refused
from wasmhost.jetstream.names import Names, escaped
from wasmhost.jetstream.publishing import Message, publish_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

    from wasmhost.config.jetstream import JetStreamConfig
    from wasmhost.contract.codec import Frame
    from wasmhost.jetstream.address import Address

_HELD: Final = 64  # events of one source that may wait for its identity
_SOURCES: Final = 65_536
_TOGETHER: Final = 512
_NO_REALM: Final = "0"


class _Event(NamedTuple):
    src: str
    seq: int
    data: bytes


class Router:
    """Makes messages of events: with a source in each, and under the subject of its node."""

    def __init__(self, names: Names, src: str) -> None:
        """``src``: that of events without one."""
        self._names = names
        self._src = src
        self._subjects: dict[str, str] = {}
        self._held: dict[str, list[_Event]] = {}

    def route(self, frame: Frame) -> list[Message]:
        """Give the messages that can go now: none, one, or those that waited, too."""
        event: dict[str, Any] = cbor2.loads(frame.data)
        src = event.get("src", self._src)
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


@dataclass(frozen=True, slots=True)
class Published:
    """What became of the events that were read: emitted = delivered + dropped.

    Delivered are those that the stream confirmed.
    """

    emitted: int
    delivered: int
    dropped: int


class StreamTarget:
    """A stream as a place to send recorded events to.

    Events keep their source and number; ``src`` is that of those without one, by default a new one each time.
    ``wait_s`` is how long a server may store nothing before it is given up.
    """

    def __init__(self, address: Address, config: JetStreamConfig, src: str | None, wait_s: float) -> None:
        self._address = address
        self._config = config if address.stream is None else replace(config, stream=address.stream)
        self._src = src or f"emit-{secrets.token_hex(8)}"
        self._wait_s = wait_s

    async def send(self, frames: AsyncIterable[Frame]) -> Published:
        """Publish all there are, in order, and wait until the stream has them.

        :raises UserError: the server or the stream cannot be used.
        """
        names = Names.of(self._config)
        router = Router(names, self._src)
        emitted = delivered = 0
        async with Link(self._address, self._config) as link:
            await _ensure(link, self._config, self._address)
            try:
                async for batch in _batches(frames, router):
                    emitted += len(batch)
                    async with asyncio.timeout(self._wait_s):
                        await publish_all(link, batch)
                    delivered += len(batch)
            except TimeoutError:
                tell_operator("error", "the server stores nothing", server=self._address.url)
            except Refused as refused:
                tell_operator("error", "the stream does not take an event", reason=str(refused))
        return Published(emitted, delivered, emitted - delivered)


async def _batches(frames: AsyncIterable[Frame], router: Router) -> AsyncIterator[list[Message]]:
    waiting: list[Message] = []
    async for frame in frames:
        waiting += router.route(frame)
        if len(waiting) >= _TOGETHER:
            yield waiting
            waiting = []
    waiting += router.rest()
    if waiting:
        yield waiting


async def _ensure(link: Link, config: JetStreamConfig, address: Address) -> None:
    try:
        await ensure_layout(await link.life(), config)
    except NoAnswer as error:
        raise SourceError(f"{address.url} has no JetStream, or it does not answer: {error}") from None
