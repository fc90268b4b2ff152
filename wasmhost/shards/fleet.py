"""All shards of a host: which observers run in which, and what they are loaded from."""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
from typing import TYPE_CHECKING, Final

from wasmhost.errors import GuestRefused, InternalError
from wasmhost.grants.given import given_fields
from wasmhost.host.loading import read_to_compile
from wasmhost.host.mishaps import tell_operator
from wasmhost.host.posts import Hearer, Post
from wasmhost.sandbox.artifacts import user_cache
from wasmhost.sandbox.compiling import Compiler
from wasmhost.sandbox.guest import artifact_of, read_manifest
from wasmhost.shards.desk import Desk
from wasmhost.shards.members import Member
from wasmhost.shards.shard import Shard
from wasmhost.wall.workshop import ChildWorkshop
from wasmhost.wall.zygote import Zygote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wasmhost.config import HostConfig, ObserverConfig
    from wasmhost.host.counters import Counters
    from wasmhost.host.services import Services
    from wasmhost.host.snapshot import ShardSnapshot

_DRAIN_S: Final = 5.0


class Fleet:
    """Prepares observers, spreads them over shards, and ends these: see `quarters.Quarters`."""

    def __init__(self, config: HostConfig, services: Services) -> None:
        self.shards: list[Shard] = []
        self._most = config.shards or os.cpu_count() or 1
        self._services = services
        self._zygote = services.zygote or Zygote()
        self._is_own_zygote = services.zygote is None
        self._cache = user_cache()
        self._workshop = ChildWorkshop(self._zygote)
        self._lock = threading.Lock()  # of `shards`
        self._first: list[ShardPlace] | None = []  # until they are started

    @property
    def trouble(self) -> str | None:
        """See `quarters.Quarters`, as for all of these."""
        return self._cache.trouble if self._cache is not None else None

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes there are now, without one that is just being replaced."""
        return tuple(pid for shard in self.shards if (pid := shard.pid) is not None)

    @property
    def snapshots(self) -> tuple[ShardSnapshot, ...]:
        """How the shards are."""
        return tuple(shard.snapshot for shard in tuple(self.shards))

    def prepare(self, observer: ObserverConfig, counters: Counters | None = None) -> ShardPlace:
        """Read and compile an observer's module."""
        compiler = Compiler(observer.limits.stack_kib, self._cache, self._workshop)
        wasm = read_to_compile(observer, compiler)
        artifact = artifact_of(compiler, wasm, observer.limits)
        profile = self._services.profiles.of(
            observer.profile or observer.name, given_fields(read_manifest(wasm), observer.grant)
        )
        desk = Desk(observer, hashlib.sha256(wasm).hexdigest(), profile, self._services, counters)
        place = ShardPlace(Member(desk, wasm, artifact), self)
        if self._first is not None:
            self._first.append(place)
        return place

    def settle_in(self) -> dict[str, str]:
        """Start the shards with all that was prepared, and wait until they serve."""
        first, self._first = self._first or [], None
        count = min(self._most, len(first))
        for number in range(count):
            mine = first[number::count]
            shard = self._new_shard([place.member for place in mine])
            for place in mine:
                place.shard = shard
        for shard in self.shards:
            shard.started.wait()
        unfiltered = next((shard.unfiltered for shard in self.shards if shard.unfiltered), None)
        if unfiltered is not None:
            tell_operator("warning", "system calls of shards are not filtered", reason=unfiltered)
        refused: dict[str, str] = {}
        for place in first:
            if (reason := place.member.desk.refused) is not None:
                refused[place.observer.name] = reason
                place.leave()
        return refused

    def find_room(self, member: Member) -> Shard:
        """Start an observer where there is room, beside those that run: the emptiest shard is tried first.

        :raises GuestRefused: it would not start.
        """
        with self._lock:
            shards = sorted(self.shards, key=lambda shard: len(shard.members))
            more = len(shards) < self._most
        if not more:
            for shard in shards:
                if shard.admit(member):
                    return shard
        with self._lock:
            shard = self._new_shard([], [member])
        shard.started.wait()
        admitted = False
        try:
            admitted = shard.admit(member)
        finally:
            if not admitted:
                self.empty(shard)
        if not admitted:
            raise GuestRefused("there is no process to be had for it")
        return shard

    def empty(self, shard: Shard) -> None:
        """End a shard that has nobody left."""
        with self._lock:
            if shard.members or shard not in self.shards:
                return
            self.shards.remove(shard)
        shard.stop()
        shard.join(_DRAIN_S)

    def close(self) -> None:
        """End the shards: what is in hand is finished."""
        for shard in self.shards:
            shard.stop()
        for shard in self.shards:
            shard.join(_DRAIN_S)
        if self._is_own_zygote:
            self._zygote.close()

    def free(self) -> None:
        """Nothing is left."""

    def _new_shard(self, members: Sequence[Member], expected: Sequence[Member] = ()) -> Shard:
        taken = {shard.number for shard in self.shards}
        number = next(number for number in itertools.count(1) if number not in taken)  # names stay few
        lossless = self._services.lossless
        shard = Shard(number, members, self._zygote, lossless=lossless, expected=expected)
        self.shards.append(shard)
        shard.start()
        return shard


class ShardPlace:
    """See `quarters.Place`. ``shard`` is the one it is in, once it was started."""

    def __init__(self, member: Member, fleet: Fleet) -> None:
        self.member = member
        self.shard: Shard | None = None
        self._fleet = fleet

    @property
    def observer(self) -> ObserverConfig:
        """See `quarters.Place`, as for all of these."""
        return self.member.desk.observer

    @property
    def module_sha256(self) -> str:
        """Which module it is."""
        return self.member.desk.module_sha256

    @property
    def post(self) -> Post:
        """For the dispatcher."""
        desk, multicast = self.member.desk, self._there.household.multicast
        return Post(desk, _nobody, desk.profile, lambda: multicast.join(desk), lambda: multicast.leave(desk))

    @property
    def through(self) -> Hearer:
        """All of a shard hear at once."""
        return Hearer(self._there.put, _nobody)

    def start(self) -> None:
        """Start it in a shard that has room."""
        self.shard = self._fleet.find_room(self.member)

    def pause(self) -> None:
        """Have the letter in hand finished."""
        self._there.household.pause(self.member.desk)

    def resume(self) -> None:
        """Go on."""
        self._there.household.resume(self.member.desk)

    def leave(self) -> None:
        """Have it unloaded."""
        self._there.household.dismiss(self.member.desk)
        self._fleet.empty(self._there)

    @property
    def _there(self) -> Shard:
        if self.shard is None:
            raise InternalError(f"{self.observer.name} was not started")
        return self.shard


def _nobody() -> None:
    """Nobody need be called: a shard is called by its socket."""
