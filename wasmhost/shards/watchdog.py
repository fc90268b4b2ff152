"""Finds a shard that is stuck: by what it has in hand, as it notes, and by what it owes, as we know."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wasmhost.shards.desk import Desk

    _Watched = dict[tuple[str, Desk], tuple[int, float]]

STUCK_S: Final = 10.0
"""Over all deadlines, before a shard counts as stuck."""
_LOOK_S: Final = 0.2
_AWAY_S: Final = 5.0
_TOLD_TOGETHER: Final = 160  # letters at most that a shard serves before it tells of the first


def patience_s(desk: Desk) -> float:
    """How long a letter may be in hand, or loading take."""
    limits = desk.observer.limits
    return (limits.deadline_ms + limits.init_deadline_ms) / 1e3 + STUCK_S


def _owed_patience_s(desk: Desk) -> float:
    """How long a letter may be under way: others may be told of together with it, after a wait."""
    return _TOLD_TOGETHER * patience_s(desk) + desk.observer.backoff_ms[1] / 1e3


class Watchdog:
    """Looks at a shard's observers now and then. Used by the shard's own thread."""

    def __init__(self) -> None:
        self._watched: _Watched = {}
        self._looked_at = 0.0

    @property
    def due(self) -> bool:
        """Whether it is time for a look."""
        return time.monotonic() - self._looked_at > _LOOK_S

    def look(self, observers: Iterable[tuple[Desk, int, int]]) -> Desk | None:
        """Take each observer's desk, letter in hand, and oldest letter under way; 0 is none.

        Gives one that has been at the same letter for longer than any deadline allows.
        """
        now = time.monotonic()
        if now - self._looked_at > _AWAY_S:  # it was us who did not look: a sink may have held us up
            self._watched.clear()
        self._looked_at = now
        before, self._watched = self._watched, {}  # without those who are gone
        stuck: Desk | None = None
        for desk, in_hand, owed in observers:
            in_hand_s = self._unmoved_s(before, ("in hand", desk), in_hand, now)
            owed_s = self._unmoved_s(before, ("owed", desk), owed, now)
            if in_hand_s > patience_s(desk) or owed_s > _owed_patience_s(desk):
                stuck = desk
        return stuck

    def forget(self) -> None:
        """Begin anew."""
        self._watched.clear()

    def _unmoved_s(self, before: _Watched, what: tuple[str, Desk], number: int, now: float) -> float:
        """For how long a number has been the same; 0 is none."""
        seen, since = before.get(what, (0, now))
        since = since if number == seen else now
        self._watched[what] = (number, since)
        return now - since if number else 0.0
