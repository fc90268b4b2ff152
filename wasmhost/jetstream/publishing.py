"""Publishing many messages in order, until the stream has them all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from wasmhost.jetstream.link import NoAnswer, Refused, answer_in

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from nats.aio.msg import Msg

    from wasmhost.jetstream.link import Life

_ANSWER_S: Final = 5.0
_TOGETHER: Final = 256
_PAUSE_S: Final = 0.1
_NO_RESPONDERS: Final = "503"


class Lives(Protocol):
    """Gives connections; `wasmhost.jetstream.link.Link` is one."""

    async def life(self) -> Life:
        """Give the present connection; wait where there is none."""
        ...


class Message(NamedTuple):
    """``number`` is what the stream knows it by, should it come twice."""

    subject: str
    number: str
    payload: bytes


async def publish_all(link: Lives, messages: Sequence[Message]) -> None:
    """Publish, and return when the stream has all of them.

    Where a connection ends, those without an answer are sent again, in the same order. Some of them may be
    there already; those the stream knows by their numbers, and keeps the first. So the order is kept: what
    was sent first was the beginning of the same sequence.

    :raises Refused: the stream will not take one. Those before it are there, of those behind it some may be.
    """
    left = list(messages)
    while left:
        life = await link.life()
        sending = _Sending(life)
        try:
            await sending.send(left)
        except NoAnswer:
            await asyncio.sleep(_PAUSE_S)
        finally:
            left = [message for place, message in enumerate(left) if place not in sending.done]
            await sending.close()


class _Sending:
    """One try, in one connection."""

    def __init__(self, life: Life) -> None:
        self.done: set[int] = set()
        """Places of the messages that the stream has."""
        self._life = life
        self._inbox = life.client.new_inbox()
        self._error: Exception | None = None
        self._moved = asyncio.Event()
        self._close: Callable[[], Awaitable[None]] | None = None

    async def send(self, messages: Sequence[Message]) -> None:
        client, life = self._life.client, self._life
        subscription = await life.call(client.subscribe(f"{self._inbox}.*", cb=self._take))
        self._close = subscription.unsubscribe
        for first in range(0, len(messages), _TOGETHER):
            await life.call(self._publish(messages[first : first + _TOGETHER], first))
            # Those of one step before are waited for, so that the server is never far behind.
            await self._answered(first)
        await self._answered(len(messages))

    async def _publish(self, messages: Sequence[Message], first: int) -> None:
        publish = self._life.client.publish
        for place, (subject, number, payload) in enumerate(messages, start=first):
            headers = {"Nats-Msg-Id": number}
            await publish(subject, payload, reply=f"{self._inbox}.{place}", headers=headers)

    async def _answered(self, count: int) -> None:
        """Wait until that many have an answer; not for ever where none comes."""
        while len(self.done) < count:
            if self._error is not None:
                raise self._error
            self._moved.clear()
            try:
                await self._life.call(asyncio.wait_for(self._moved.wait(), _ANSWER_S))
            except TimeoutError:
                raise NoAnswer("the stream does not answer") from None

    async def _take(self, message: Msg) -> None:
        place = int(message.subject.rpartition(".")[2])
        data = message.data
        if not data and (message.headers or {}).get("Status") == _NO_RESPONDERS:
            self._error = self._error or NoAnswer("there is no such stream now")
        elif b'"error"' in data:
            try:
                answer_in(data)
            except (NoAnswer, Refused) as error:
                self._error = self._error or error
        else:
            self.done.add(place)
        self._moved.set()

    async def close(self) -> None:
        if self._close is not None:
            await self._life.do(self._close())
