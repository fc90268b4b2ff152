"""What waits in memory until the next commit: bounded, and fair to whoever says little."""

from __future__ import annotations

from collections import deque
from heapq import merge
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Staged(NamedTuple, Generic[T]):
    """Something that waits: its place in the order, who it is from, and what it counts for in bytes."""

    order: int
    owner: str
    size: int
    item: T


class Stage(Generic[T]):
    """A queue with a bound on its rows and its bytes. Not safe from several threads.

    Where there is no room, the oldest of the owner who has most is given up: one that floods takes no place
    from another.
    """

    def __init__(self, rows: int, size: int) -> None:
        self.rows = 0
        self.size = 0
        self._most_rows = rows
        self._most_size = size
        self._owners: dict[str, deque[Staged[T]]] = {}

    def add(self, staged: Staged[T]) -> list[T]:
        """Take one more; return what had to be given up for it."""
        self._owners.setdefault(staged.owner, deque()).append(staged)
        self._count(staged, 1)
        return self._give_up()

    def in_order(self) -> list[T]:
        """Return all that waits, in order. It waits on: whoever has got rid of it makes a new stage."""
        return [staged.item for staged in merge(*self._owners.values())]

    def add_later(self, later: Stage[T]) -> list[T]:
        """Take over what came after; return what had to be given up for it."""
        for owner, waiting in later._owners.items():
            self._owners.setdefault(owner, deque()).extend(waiting)
        self.rows += later.rows
        self.size += later.size
        return self._give_up()

    def _give_up(self) -> list[T]:
        given_up: list[T] = []
        while self.rows > self._most_rows or (self.size > self._most_size and self.rows > 1):
            by_rows = self.rows > self._most_rows
            fullest = max(self._owners.values(), key=len if by_rows else _size)
            staged = fullest.popleft()
            if not fullest:
                del self._owners[staged.owner]
            self._count(staged, -1)
            given_up.append(staged.item)
        return given_up

    def _count(self, staged: Staged[T], sign: int) -> None:
        self.rows += sign
        self.size += sign * staged.size


def _size(waiting: deque[Staged[T]]) -> int:
    return sum(staged.size for staged in waiting)
