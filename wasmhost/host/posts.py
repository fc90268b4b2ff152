"""An observer's place in a host: who serves it, where its events are put, and how to call somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.grants.profiles import Profile
    from wasmhost.host.counters import Counters, ObserverSummary
    from wasmhost.host.mailbox import HandedOver, Letter


class Letterbox(Protocol):
    """What of `Mailbox` whoever gives an observer its events needs to know."""

    @property
    def dropped(self) -> int:
        """See `Mailbox`, as for all of these."""
        ...

    @property
    def full(self) -> bool:
        """Whether the next letter would find no room."""
        ...

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is served."""
        ...

    @property
    def waiting(self) -> int:
        """How many letters wait."""
        ...

    def put(self, letter: Letter, *, waited: bool = False) -> bool:
        """Add a letter; True when somebody must now be called to serve."""
        ...

    def lose(self, count: int) -> None:
        """Note that events were lost on the way here."""
        ...

    def tell_when_room(self, tell: Callable[[], None]) -> bool:
        """Whether it is full; then ``tell`` is called when there is room."""
        ...

    def close(self) -> None:
        """Give up all that waits, and all that comes."""
        ...

    def inherit(self, dropped: int) -> None:
        """Count what an earlier one has dropped."""
        ...


class Runner(Protocol):
    """An observer at its place in the host."""

    name: str
    hooks: frozenset[str]
    counters: Counters

    @property
    def mailbox(self) -> Letterbox:
        """Where its events go."""
        ...

    def hand_over(self) -> HandedOver:
        """Give away all that waits, and the news of what was lost; take nothing more. While it is paused."""
        ...

    def summary(self, unheard: int) -> ObserverSummary:
        """Make its line in the summary; ``unheard`` events never went into its mailbox."""
        ...

    def close(self) -> None:
        """Free what it holds, and give up what waits."""
        ...


def _nothing() -> None:
    """There is nothing to do."""


class Post(NamedTuple):
    """A runner, and how to call somebody to serve it, which never raises.

    ``profile``: what it may see of its events; None for all there is. ``join`` is called before the first
    event that it hears is put, and ``leave`` after the last one; neither may raise.
    """

    runner: Runner
    call: Callable[[], None]
    profile: Profile | None = None
    join: Callable[[], None] = _nothing
    leave: Callable[[], None] = _nothing


class Hearer(NamedTuple):
    """Where an event is put, for one observer or several at once; if that says so, somebody is called."""

    put: Callable[[Letter], bool]
    call: Callable[[], None]
