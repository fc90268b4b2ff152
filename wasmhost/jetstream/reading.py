"""Reading one partition in order, from a place of our choice, a batch at a time.

Each reading has a consumer of its own, which begins behind the checkpoint. So a new owner need not wait until
the server gives up what it had sent to the one before, and gets everything in its order: with one consumer
for all owners, what comes again would come behind what is new.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from wasmhost.jetstream.link import NoAnswer, Refused

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from wasmhost.jetstream.link import Life
    from wasmhost.jetstream.names import Names

_S: Final = 1_000_000_000
_PULL_S: Final = 20
_LATE_S: Final = 10.0  # after a request should have ended, without a word
_UNUSED_S: Final = 60  # then the server forgets a consumer
_UNACKED_S: Final = 86_400  # nothing is sent again: a reading that got stuck is given up, and another begun
_OVER: Final = frozenset({"404", "408"})  # a request for messages ended as it should


class Taken(NamedTuple):
    """A message. ``seq`` is the stream's number; ``left`` how many wait behind it; ``ack`` acknowledges."""

    seq: int
    subject: str
    data: bytes
    left: int
    ack: str


class Reading:
    """One reading, through one connection. Ends with `NoAnswer`, of whatever kind the end is."""

    def __init__(self, life: Life, names: Names, number: int, batch: int) -> None:
        self._life = life
        self._names = names
        self._number = number
        self._batch = batch
        self._consumer = f"p{number}-{secrets.token_hex(4)}"
        self._inbox = life.client.new_inbox()
        self._buffer: list[Msg] = []
        self._asked = 0  # messages that are still to come of what was asked for
        self._broken: str | None = None
        self._news = asyncio.Event()

    async def open(self, first: int) -> None:
        """Begin at a number of the stream, or the first one behind it."""
        config = {
            "name": self._consumer,
            "durable_name": self._consumer,
            "filter_subject": self._names.partition(self._number),
            "deliver_policy": "by_start_sequence",
            "opt_start_seq": max(1, first),
            "ack_policy": "all",
            "ack_wait": _UNACKED_S * _S,
            "max_ack_pending": 4 * self._batch,
            "inactive_threshold": _UNUSED_S * _S,
            "mem_storage": True,
            "num_replicas": 1,
        }
        subject = f"$JS.API.CONSUMER.DURABLE.CREATE.{self._names.stream}.{self._consumer}"
        request = {"stream_name": self._names.stream, "config": config}
        try:
            await self._life.ask(subject, json.dumps(request).encode())
        except Refused as refused:
            raise NoAnswer(f"no consumer: {refused}") from refused
        await self._life.call(self._life.client.subscribe(self._inbox, cb=self._take))
        await self._ask()

    async def next(self) -> list[Taken]:
        """Wait for messages, and give what is there, a batch at most."""
        while not self._buffer:
            if self._broken is not None:
                raise NoAnswer(self._broken)
            self._news.clear()
            try:
                await self._life.call(asyncio.wait_for(self._news.wait(), _PULL_S + _LATE_S))
            except TimeoutError:
                raise NoAnswer("no word of the messages that were asked for") from None
            if not self._buffer and not self._asked:
                await self._ask()
        taken, self._buffer = self._buffer[: self._batch], self._buffer[self._batch :]
        if not self._asked:
            await self._ask()
        return [_taken(message) for message in taken]

    async def acknowledge(self, message: Taken) -> None:
        """Say that all up to a message is taken. May be lost: it is for those who look at the consumer."""
        await self._life.call(self._life.client.publish(message.ack, b"+ACK"))

    async def close(self) -> None:
        """Delete the consumer, where we can."""
        if not self._life.ended.is_set():
            await self._life.ask(f"$JS.API.CONSUMER.DELETE.{self._names.stream}.{self._consumer}")

    async def _ask(self) -> None:
        """Ask for a batch: what is there, or the first that comes."""
        self._asked = self._batch
        request: dict[str, Any] = {"batch": self._batch, "expires": _PULL_S * _S, "no_wait": True}
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self._names.stream}.{self._consumer}"
        await self._life.call(
            self._life.client.publish(subject, json.dumps(request).encode(), reply=self._inbox)
        )

    async def _take(self, message: Msg) -> None:
        status = None if message.headers is None else message.headers.get("Status")
        if status is None:
            self._buffer.append(message)
            self._asked -= 1
        else:
            self._asked = 0
            if status not in _OVER:
                self._broken = f"the consumer ended ({status})"
        self._news.set()


def _taken(message: Msg) -> Taken:
    # $JS.ACK.[domain.account.]<stream>.<consumer>.<deliveries>.<stream seq>.<consumer
    # seq>.<time>.<pending>[.<token>]
    parts = message.reply.split(".")
    if len(parts) > 9:
        parts = [*parts[:2], *parts[4:]]
    return Taken(int(parts[5]), message.subject, message.data, int(parts[8]), message.reply)
