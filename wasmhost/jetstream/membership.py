"""One host among the others: it shows that it lives, and says which partitions it should take or give up."""

from __future__ import annotations

import json
import math
import secrets
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from wasmhost.host.mishaps import tell_operator
from wasmhost.jetstream.holding import Holding, Lease
from wasmhost.jetstream.ledger import Conflict, Ledger, Write
from wasmhost.jetstream.names import Keys
from wasmhost.jetstream.roster import Roster, share

if TYPE_CHECKING:
    from collections.abc import Collection

    from wasmhost.jetstream.ledger import Entry
    from wasmhost.jetstream.link import Life, Link
    from wasmhost.jetstream.names import Names


@dataclass(slots=True)
class Pulse:
    """When a host last showed that it lives, by its monotonic clock.

    As long as that is less than a lease ago, nobody can have called it dead.
    """

    at: float = -math.inf

    def is_older_than(self, seconds: float) -> bool:
        """Whether that was longer ago."""
        return time.monotonic() - self.at > seconds


class View(NamedTuple):
    """The others as they were a moment ago.

    ``alive``: who can hold partitions; ``leaving``: who of them takes no more. ``taken``: what others hold.
    """

    alive: frozenset[str]
    leaving: frozenset[str]
    taken: frozenset[int]


class Membership:
    """One host's part in the pool. Its name is new at each start, so that two of one machine are two."""

    def __init__(self, link: Link, names: Names, lease_s: float, pulse: Pulse | None = None) -> None:
        self.pulse = pulse or Pulse()
        self.me = secrets.token_hex(6)
        self._link = link
        self._names = names
        self._roster = Roster(self.me, lease_s)
        self._beats = 0
        self._life: Life | None = None

    async def beat(self, owned: Collection[int], *, leaving: bool) -> View:
        """Show that we live, and look who else does. Entries of dead hosts are deleted.

        :raises NoAnswer: there is no connection.
        """
        life = await self._link.life()
        began = time.monotonic()
        ledger = Ledger(life, self._names.stream)
        self._beats += 1
        entry = {"beat": self._beats, "leaving": leaving, "owns": sorted(owned)}
        await ledger.put(Write(Keys.host(self.me), json.dumps(entry).encode()))
        found = {key.removeprefix("host."): each for key, each in (await ledger.list(Keys.HOSTS)).items()}
        now = time.monotonic()
        if life is not self._life:
            self._life = life
            self._roster.forgive(now)
        for host, revision in self._roster.look({host: e.revision for host, e in found.items()}, now).items():
            del found[host]
            with suppress(Conflict):  # it lives after all
                await ledger.delete(Keys.host(host), revision)
                tell_operator("warning", "a host is gone; others take its partitions", host=host)
        self.pulse.at = began
        return _view(found, self.me)

    def share(self, view: View) -> int:
        """How many partitions should be ours."""
        return share(self.me, view.alive - view.leaving, self._names.partitions)

    async def claim(self, number: int, view: View) -> Holding | None:
        """Take a partition, if it is nobody's.

        :raises NoAnswer: it is not known whether we have it; then the lease says so, and it is claimed again.
        """
        ledger = Ledger(await self._link.life(), self._names.stream)
        entry = await ledger.get(Keys.partition(number))
        lease = Lease() if entry is None else Lease.decode(entry.value)
        if lease.owner not in {None, self.me} and await self._lives(ledger, lease.owner, view):
            return None
        mine = Lease(self.me, lease.epoch + 1, lease.seq)
        write = Write(Keys.partition(number), mine.encode(), 0 if entry is None else entry.revision)
        try:
            revision = await ledger.put(write)
        except Conflict:
            return None
        return Holding(number, mine, revision, self._link, self._names.stream)

    async def _lives(self, ledger: Ledger, host: str | None, view: View) -> bool:
        """Whether an owner is there; one we have not heard of may have come since we looked."""
        return host in view.alive or (host is not None and await ledger.get(Keys.host(host)) is not None)

    async def leave(self) -> None:
        """Take our entry away: we hold nothing any more. Raises NoAnswer as `beat` does."""
        ledger = Ledger(await self._link.life(), self._names.stream)
        entry = await ledger.get(Keys.host(self.me))
        if entry is not None:
            with suppress(Conflict):
                await ledger.delete(Keys.host(self.me), entry.revision)


def _view(found: dict[str, Entry], me: str) -> View:
    hosts: dict[str, dict[str, Any]] = {host: json.loads(entry.value) for host, entry in found.items()}
    return View(
        frozenset(hosts),
        frozenset(host for host, entry in hosts.items() if entry["leaving"]),
        frozenset(number for host, entry in hosts.items() if host != me for number in entry["owns"]),
    )
