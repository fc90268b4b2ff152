"""The bucket that hosts share: values by key, changed by compare-and-set, several at once or not at all.

It is a bucket as other NATS tools know it. Its own are two things. What is read here for a decision is read
from the stream's leader, never from a replica that may lag. And several values are written by one atomic
batch (nats-server 2.12): a checkpoint is whole or it is not there.
"""

from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING, Final, NamedTuple

from wasmhost.jetstream.link import NoAnswer, Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nats.aio.msg import Msg

    from wasmhost.jetstream.link import Life

_NOT_FOUND: Final = 10037
_WRONG_LAST: Final = frozenset({10071, 10164})
_ANSWER_S: Final = 5.0
_LISTED: Final = 10_000
_OPERATION: Final = "KV-Operation"
_EXPECTED: Final = "Nats-Expected-Last-Subject-Sequence"
MOST_WRITES: Final = 1000
"""In one batch: the server takes no more."""


class Conflict(Exception):
    """Somebody else wrote meanwhile: what we know of the value is old."""


class Entry(NamedTuple):
    """A value, and its revision."""

    value: bytes
    revision: int


class Write(NamedTuple):
    """A value to be written. ``last``: the revision it replaces, 0 where there is to be none; None: any."""

    key: str
    value: bytes
    last: int | None = None


class Ledger:
    """One bucket, through one connection."""

    def __init__(self, life: Life, bucket: str) -> None:
        self._life = life
        self._stream = f"KV_{bucket}"
        self._prefix = f"$KV.{bucket}."

    async def get(self, key: str) -> Entry | None:
        """Read the latest value, from the leader."""
        request = json.dumps({"last_by_subj": self._prefix + key}).encode()
        try:
            answer = await self._life.ask(f"$JS.API.STREAM.MSG.GET.{self._stream}", request)
        except Refused as refused:
            if refused.number == _NOT_FOUND:
                return None
            raise
        message = answer["message"]
        if _OPERATION.encode() in base64.b64decode(message.get("hdrs", "")):
            return None  # deleted
        return Entry(base64.b64decode(message.get("data", "")), message["seq"])

    async def put(self, write: Write) -> int:
        """Write one value; its revision.

        :raises Conflict: ``last`` is not the latest revision.
        """
        try:
            answer = await self._life.ask(self._prefix + write.key, write.value, _headers(write))
        except Refused as refused:
            raise _conflict_in(refused) from None
        revision: int = answer["seq"]
        return revision

    async def put_all(self, writes: Sequence[Write]) -> int:
        """Write several values, or none of them; the revision of the last one.

        :raises Conflict: the ``last`` of one is not its latest revision.
        """
        if len(writes) == 1:
            return await self.put(writes[0])
        client = self._life.client
        batch = client.new_inbox().rpartition(".")[2]
        for place, write in enumerate(writes[:-1], start=1):
            headers = {**_headers(write), "Nats-Batch-Id": batch, "Nats-Batch-Sequence": str(place)}
            await self._life.call(client.publish(self._prefix + write.key, write.value, headers=headers))
        last = writes[-1]
        headers = {
            **_headers(last),
            "Nats-Batch-Id": batch,
            "Nats-Batch-Sequence": str(len(writes)),
            "Nats-Batch-Commit": "1",
        }
        try:
            answer = await self._life.ask(self._prefix + last.key, last.value, headers)
        except Refused as refused:
            raise _conflict_in(refused) from None
        revision: int = answer["seq"]
        return revision

    async def delete(self, key: str, last: int) -> None:
        """Delete a value. Raises Conflict as `put` does."""
        headers = {_OPERATION: "PURGE", "Nats-Rollup": "sub", _EXPECTED: str(last)}
        try:
            await self._life.ask(self._prefix + key, b"", headers)
        except Refused as refused:
            raise _conflict_in(refused) from None

    async def list(self, pattern: str) -> dict[str, Entry]:
        """Read the values of many keys; they may be a little old where the bucket has replicas."""
        client = self._life.client
        found: dict[str, Entry] = {}
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def take(message: Msg) -> None:
            headers = message.headers or {}
            if "Status" in headers:
                if not over.done():
                    over.set_result(None)
            elif _OPERATION not in headers:
                key = headers["Nats-Subject"].removeprefix(self._prefix)
                found[key] = Entry(message.data, int(headers["Nats-Sequence"]))

        inbox = client.new_inbox()
        subscription = await self._life.call(client.subscribe(inbox, cb=take))
        try:
            request = json.dumps({"multi_last": [self._prefix + pattern], "batch": _LISTED}).encode()
            await self._life.call(client.publish(f"$JS.API.DIRECT.GET.{self._stream}", request, reply=inbox))
            await self._life.call(asyncio.wait_for(over, _ANSWER_S))
        except TimeoutError:
            raise NoAnswer("a list of keys does not come") from None
        finally:
            await self._life.do(subscription.unsubscribe())
        return found


def _headers(write: Write) -> dict[str, str]:
    return {} if write.last is None else {_EXPECTED: str(write.last)}


def _conflict_in(refused: Refused) -> Exception:
    return Conflict(str(refused)) if refused.number in _WRONG_LAST else refused
