"""Who is read next: each that has something in turn, so that a flood holds nobody up."""

from __future__ import annotations

from collections import deque
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wasmhost.sources.connection import Connection


class Turns:
    """Connections that have something to read, in the order in which they came to have it.

    Strangers (who have not said yet who they are, and may never) are a line of their own: together they
    get one turn for each turn of the others, however many they are, because a handshake is work.
    """

    def __init__(self) -> None:
        self._known: deque[Connection] = deque()
        self._strangers: deque[Connection] = deque()
        self._resting: list[tuple[float, int, Connection]] = []
        self._number = count()
        self._stranger_next = False

    def add(self, connection: Connection) -> None:
        """Give a connection a turn, unless it has one coming or is to rest."""
        if connection.waits or connection.rests:
            return
        connection.waits = True
        (self._known if connection.greeted else self._strangers).append(connection)

    def rest(self, connection: Connection, until: float) -> bool:
        """Give it none before ``until``; returns whether no other's rest is over sooner."""
        connection.rests = True
        heappush(self._resting, (until, next(self._number), connection))
        return self._resting[0][2] is connection

    def wake(self, now: float) -> float | None:
        """Give a turn to all whose rest is over; returns when the next one's is."""
        while self._resting and self._resting[0][0] <= now:
            self.stir(heappop(self._resting)[2])
        return self._resting[0][0] if self._resting else None

    def wake_all(self) -> None:
        """Let nobody rest any longer."""
        while self._resting:
            self.stir(self._resting.pop()[2])

    def stir(self, connection: Connection) -> None:
        """Let one rest no longer."""
        if connection.rests:
            connection.rests = False
            self.add(connection)

    def take(self) -> Connection | None:
        """Return whose turn it is."""
        strangers = self._stranger_next or not self._known
        line = self._strangers if strangers and self._strangers else self._known
        self._stranger_next = line is self._known
        if not line:
            return None
        connection = line.popleft()
        connection.waits = False
        return connection
