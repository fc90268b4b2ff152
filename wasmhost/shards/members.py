"""An observer that lives in a shard, and how much room it takes there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from wasmhost.wall.limits import ChildLimits

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wasmhost.sandbox.compiling import Artifact
    from wasmhost.shards.desk import Desk

PLACES: Final = 512
"""Observers that a shard may have."""
_BASE_MIB: Final = 1024  # of a shard's own, beside its guests' memories
_MEMORIES: Final = 4  # that a component may have


class Member(NamedTuple):
    """An observer of a shard, and what it is loaded from."""

    desk: Desk
    wasm: bytes
    artifact: Artifact

    @property
    def needs_mib(self) -> int:
        """What its memories may come to."""
        return self.desk.observer.limits.memory_mib * _MEMORIES


def limits_of(members: Iterable[Member]) -> ChildLimits:
    """What a shard may use: room for every memory its guests may have, for one guest more, and for itself."""
    needs = [member.needs_mib for member in members]
    return ChildLimits(data_mib=_BASE_MIB + sum(needs) + max(needs, default=0))


def fits(budget: ChildLimits, members: Iterable[Member], more: Member) -> bool:
    """Whether a process with this budget has room for one more."""
    needs = sum(member.needs_mib for member in members) + more.needs_mib
    return budget.data_mib is None or _BASE_MIB + needs <= budget.data_mib
