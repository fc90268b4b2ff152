"""Where guests live: a place for each, that can be taken and left while the others go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from wasmhost.config import ObserverConfig
    from wasmhost.host.counters import Counters
    from wasmhost.host.posts import Hearer, Post
    from wasmhost.host.snapshot import ShardSnapshot


class Place(Protocol):
    """Where one guest lives. The methods block: they are not for an event loop's thread."""

    @property
    def observer(self) -> ObserverConfig:
        """Its settings."""
        ...

    @property
    def module_sha256(self) -> str:
        """Which module it is."""
        ...

    @property
    def post(self) -> Post:
        """For the dispatcher, once it was started."""
        ...

    @property
    def through(self) -> Hearer | None:
        """By what it hears, where it is not by itself."""
        ...

    def start(self) -> None:
        """Start it, where it was not among the first (`Quarters.settle_in`).

        :raises GuestRefused: it would not start.
        """
        ...

    def pause(self) -> None:
        """Finish the letter in hand, have what it left behind applied, and take no other."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...

    def leave(self) -> None:
        """End it, after a `pause`, and free what it had."""
        ...


class Quarters(Protocol):
    """Makes places. The methods block: they are not for an event loop's thread."""

    @property
    def trouble(self) -> str | None:
        """Why modules are compiled anew at each start, where they are."""
        ...

    @property
    def pids(self) -> tuple[int, ...]:
        """The processes in which guests run; none where they run in threads."""
        ...

    @property
    def snapshots(self) -> tuple[ShardSnapshot, ...]:
        """How the shards are; none where guests run in threads."""
        ...

    def prepare(self, observer: ObserverConfig, counters: Counters | None = None) -> Place:
        """Read and compile an observer's module; it will count on with ``counters``.

        :raises GuestRefused: with the reason.
        """
        ...

    def settle_in(self) -> dict[str, str]:
        """Start all that were prepared so far; of those that would not start, by name, why not."""
        ...

    def close(self) -> None:
        """End what serves the guests."""
        ...

    def free(self) -> None:
        """Free what the guests had in common, after the last was closed."""
        ...
