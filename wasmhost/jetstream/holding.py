"""A host's hold on one partition: lease and checkpoint in one, so that who lost one cannot write the other.

Every write replaces the revision that this host wrote or read last. Whoever takes the partition writes, too;
from then on every write of the one before is refused. So it does not matter how late a host finds out that it
was called dead: what it would have left behind is not there.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from wasmhost.host.mishaps import is_worth_a_line, tell_operator
from wasmhost.jetstream.ledger import Conflict, Ledger, Write
from wasmhost.jetstream.link import NoAnswer, Refused
from wasmhost.jetstream.names import Keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wasmhost.jetstream.link import Link

_PAUSE_S: Final = 0.2
_REFUSED_S: Final = 1.0


class Lost(Exception):
    """Another host has the partition now."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Whose a partition is, and how far it is.

    ``epoch`` goes up with each change of hands. ``seq``: of the stream; all up to it is in the states that
    were written together with this.
    """

    owner: str | None = None
    epoch: int = 0
    seq: int = 0

    def encode(self) -> bytes:
        """As it stands in the bucket."""
        return json.dumps({"owner": self.owner, "epoch": self.epoch, "seq": self.seq}).encode()

    @classmethod
    def decode(cls, data: bytes) -> Lease:
        """Read what stands in the bucket."""
        value: dict[str, Any] = json.loads(data)
        return cls(value["owner"], value["epoch"], value["seq"])


class Holding:
    """One partition that is held. ``revision`` is what is in the bucket."""

    def __init__(self, number: int, lease: Lease, revision: int, link: Link, bucket: str) -> None:
        self.number = number
        self.lease = lease
        self._revision = revision
        self._link = link
        self._bucket = bucket

    async def states(self, observers: list[str]) -> dict[str, bytes]:
        """Read what observers remember; nobody else can change it any more."""
        found: dict[str, bytes] = {}
        for observer in observers:
            entry = await self._read(Keys.state(self.number, observer))
            if entry is not None:
                found[observer] = entry
        return found

    async def _read(self, key: str) -> bytes | None:
        while True:
            try:
                entry = await Ledger(await self._link.life(), self._bucket).get(key)
            except NoAnswer:
                await asyncio.sleep(_PAUSE_S)
            else:
                return None if entry is None else entry.value

    async def check(self) -> None:
        """Make sure that it is still ours.

        :raises Lost: it is not.
        """
        value = await self._read(Keys.partition(self.number))
        if value != self.lease.encode():
            raise Lost

    async def commit(self, seq: int, states: Mapping[str, bytes]) -> None:
        """Write what changed, and how far we are: all of it or nothing. Waits for a server that is away.

        :raises Lost: it is another's by now; nothing was written.
        """
        await self._write(replace(self.lease, seq=seq), states)

    async def release(self) -> None:
        """Give it up, for others to take at once. Raises Lost as `commit` does."""
        await self._write(replace(self.lease, owner=None), {})

    async def _write(self, lease: Lease, states: Mapping[str, bytes]) -> None:
        key, value = Keys.partition(self.number), lease.encode()
        changed = [Write(Keys.state(self.number, name), blob) for name, blob in states.items()]
        refusals = 0
        while True:
            ledger = Ledger(await self._link.life(), self._bucket)
            try:
                self._revision = await ledger.put_all([*changed, Write(key, value, self._revision)])
                break
            except NoAnswer:
                await asyncio.sleep(_PAUSE_S)
            except Conflict:
                if await self._was_written(value):
                    break
                raise Lost from None
            except Refused as refused:
                refusals += 1
                if is_worth_a_line(refusals):
                    tell_operator(
                        "error", "no checkpoint", partition=self.number, reason=str(refused), tries=refusals
                    )
                await asyncio.sleep(_REFUSED_S)
        self.lease = lease

    async def _was_written(self, value: bytes) -> bool:
        """Whether an earlier try was done after all, and only its answer was lost."""
        while True:
            try:
                entry = await Ledger(await self._link.life(), self._bucket).get(Keys.partition(self.number))
            except NoAnswer:
                await asyncio.sleep(_PAUSE_S)
                continue
            if entry is None or entry.value != value:
                return False
            self._revision = entry.revision
            return True
