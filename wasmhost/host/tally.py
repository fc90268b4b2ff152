"""How many events there were, and how many of them an observer never heard of."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection


class Gone(NamedTuple):
    """What is known of an observer that is gone: how many events it had not heard of, of how many."""

    unheard: int
    events: int


class EventTally:
    """Counts of a run's events, kept by its dispatcher and under its lock.

    ``total``: of all. By hook, ``of``: of each, and ``contextless``: those that lacked the context they need.
    ``addressed``, by hook and observer: those meant for that one only.
    """

    def __init__(self) -> None:
        self.total = 0
        self.of: Counter[str] = Counter()
        self.contextless: Counter[str] = Counter()
        self.addressed: Counter[tuple[str, str]] = Counter()
        self._bases: dict[str, int] = {}

    def join(self, name: str, hooks: Collection[str], unheard: int) -> None:
        """Begin with an observer, who has not heard of so many events so far."""
        self._bases[name] = unheard - self._not_for(name, hooks)

    def unheard(self, name: str, hooks: Collection[str]) -> int:
        """Count the events that an observer never heard of, from the first of the run on."""
        return self._bases.get(name, 0) + self._not_for(name, hooks)

    def leave(self, name: str, hooks: Collection[str]) -> Gone:
        """End with an observer."""
        gone = Gone(self.unheard(name, hooks), self.total)
        del self._bases[name]
        return gone

    def _not_for(self, name: str, hooks: Collection[str]) -> int:
        """Count events that were not of these hooks, had no context, or were meant for another."""
        others = sum(count for hook, count in self.of.items() if hook not in hooks)
        contextless = sum(count for hook, count in self.contextless.items() if hook in hooks)
        elsewhere = sum(count for (hook, to), count in self.addressed.items() if hook in hooks and to != name)
        return others + contextless + elsewhere
