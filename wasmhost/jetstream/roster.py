"""Who of the hosts lives, and how many partitions are whose share: pure state, with no clock of its own.

A host lives while it changes its entry in the bucket. Whether it does is seen by one's own monotonic clock,
so no clocks have to agree; but whoever has just begun to look, or was cut off, must wait a whole lease before
it calls anybody dead. It may err: that costs work, and no event, as a checkpoint of whoever does not hold a
partition any more is refused by the bucket.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(slots=True)
class _Seen:
    revision: int
    at: float


class Roster:
    """The other hosts, as one of them sees them. Times are seconds of one monotonic clock."""

    def __init__(self, me: str, lease_s: float) -> None:
        self._me = me
        self._lease_s = lease_s
        self._seen: dict[str, _Seen] = {}

    def look(self, revisions: Mapping[str, int], now: float) -> dict[str, int]:
        """Note the entries of all hosts, and give those of dead ones: they have not changed for a lease."""
        self._seen = {host: seen for host, seen in self._seen.items() if host in revisions}
        for host, revision in revisions.items():
            seen = self._seen.get(host)
            if seen is None or seen.revision != revision:
                self._seen[host] = _Seen(revision, now)
        return {
            host: seen.revision
            for host, seen in self._seen.items()
            if host != self._me and now - seen.at > self._lease_s
        }

    def forgive(self, now: float) -> None:
        """We could not look for a while: nobody is dead until a lease from now."""
        for seen in self._seen.values():
            seen.at = now


def share(me: str, hosts: Collection[str], partitions: int) -> int:
    """How many partitions are ``me``'s: as many as anybody's, or one more where they do not come out even.

    All who see the same hosts come to shares that add up to all partitions.
    """
    ordered = sorted({*hosts, me})
    each, over = divmod(partitions, len(ordered))
    return each + (ordered.index(me) < over)
