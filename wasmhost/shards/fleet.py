"""All shards of a host: which observers run in which, and what they are loaded from."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final

from wasmhost.grants.given import given_fields
from wasmhost.host.dispatch import Hearer, Post
from wasmhost.host.loading import read_to_compile
from wasmhost.host.mishaps import tell_operator
from wasmhost.sandbox.artifacts import user_cache
from wasmhost.sandbox.compiling import Compiler
from wasmhost.sandbox.guest import artifact_of, read_manifest
from wasmhost.shards.desk import Desk
from wasmhost.shards.shard import Member, Shard
from wasmhost.wall.limits import ChildLimits
from wasmhost.wall.workshop import ChildWorkshop
from wasmhost.wall.zygote import Zygote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wasmhost.config import HostConfig, ObserverConfig
    from wasmhost.host.services import Services

_DRAIN_S: Final = 5.0
_BASE_MIB: Final = 1024  # of a shard's own, beside its guests' memories
_MEMORIES: Final = 4  # that a component may have


class Fleet:
    """Prepares observers, spreads them over shards, and ends these. Its methods block."""

    def __init__(self, config: HostConfig, services: Services) -> None:
        self.shards: list[Shard] = []
        self._config = config
        self._services = services
        self._zygote = Zygote()
        self._cache = user_cache()
        self._workshop = ChildWorkshop(self._zygote)
        self._members: list[Member] = []

    @property
    def trouble(self) -> str | None:
        """Why modules are compiled anew at each start, where they are."""
        return self._cache.trouble if self._cache is not None else None

    def prepare(self, observer: ObserverConfig) -> None:
        """Read and compile an observer's module.

        :raises GuestRefused: with the reason.
        """
        compiler = Compiler(observer.limits.stack_kib, self._cache, self._workshop)
        wasm = read_to_compile(observer, compiler)
        artifact = artifact_of(compiler, wasm, observer.limits)
        profile = self._services.profiles.of(
            observer.profile or observer.name, given_fields(read_manifest(wasm), observer.grant)
        )
        desk = Desk(observer, hashlib.sha256(wasm).hexdigest(), profile, self._services)
        self._members.append(Member(desk, wasm, artifact))

    def start(self) -> None:
        """Start the shards with all that was prepared, and wait until they serve."""
        members = self._members
        count = min(self._config.shards or os.cpu_count() or 1, len(members))
        for number in range(count):
            mine = members[number::count]
            shard = Shard(number + 1, mine, self._zygote, _limits(mine), lossless=self._services.lossless)
            self.shards.append(shard)
            shard.start()
        for shard in self.shards:
            shard.started.wait()
        unfiltered = next((shard.unfiltered for shard in self.shards if shard.unfiltered), None)
        if unfiltered is not None:
            tell_operator("warning", "system calls of shards are not filtered", reason=unfiltered)

    def posts(self) -> list[tuple[Post, Hearer]]:
        """Those that run, and through what they hear."""
        return [
            (Post(member.desk, _nobody, member.desk.profile), Hearer(shard.put, _nobody))
            for shard in self.shards
            for member in shard.members
            if member.desk.refused is None
        ]

    def desks(self) -> list[Desk]:
        """The places of those that run."""
        return [member.desk for member in self._members if member.desk.refused is None]

    def refused(self) -> dict[str, str]:
        """Why others do not run, by name."""
        return {member.desk.name: member.desk.refused for member in self._members if member.desk.refused}

    def close(self) -> None:
        """End the shards: what is in hand is finished."""
        for shard in self.shards:
            shard.stop()
        for shard in self.shards:
            shard.join(_DRAIN_S)
        self._zygote.close()


def _nobody() -> None:
    """Nobody need be called: a shard is called by its socket."""


def _limits(members: Sequence[Member]) -> ChildLimits:
    """What a shard may use: room for every memory its guests may have, and for itself."""
    guests = sum(member.desk.observer.limits.memory_mib * _MEMORIES for member in members)
    return ChildLimits(data_mib=_BASE_MIB + guests)
