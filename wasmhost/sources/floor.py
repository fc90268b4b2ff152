"""The connections of a listening source: given their turns, answered, and shown out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from wasmhost.sources.base import SourceEnded
from wasmhost.sources.connection import Connection
from wasmhost.sources.entrance import Entrance
from wasmhost.sources.hall import Hall
from wasmhost.sources.readiness import GONE, WRITABLE, Readiness
from wasmhost.sources.srcs import SrcTable
from wasmhost.sources.turns import Turns

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from wasmhost.config.source import SourceConfig
    from wasmhost.sources.doors import Door
    from wasmhost.sources.hall import WireCounts
    from wasmhost.sources.tokens import Tokens

ANSWER_EVERY_S: Final = 0.02
"""How long what was taken waits to be acknowledged, together with what comes meanwhile."""
_SWEEP_S: Final = 1.0
_TURNS_AT_ONCE: Final = 32
_ITEMS_AT_ONCE: Final = 256


class Floor:
    """Up to ``most`` connections that come in by a door. On an event loop, which gets its turns too.

    Whoever reads calls :meth:`next` for the connection whose turn it is, and :meth:`settle` when it took
    what that gave.
    """

    def __init__(
        self,
        door: Door,
        settings: SourceConfig,
        tokens: Tokens | None,
        counts: WireCounts,
        most: int,
        clock: Callable[[], float],
    ) -> None:
        self._door = door
        self._most = most
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._counts = counts
        self._connections: dict[int, Connection] = {}
        self._number = 0
        self._turns = Turns()
        self._due: dict[Connection, None] = {}  # to be answered
        self._news = asyncio.Event()
        self._stopped = False
        self._since_pause = self._turns_since_pause = 0
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._readiness = Readiness(self._loop, self._hear)
        self._entrance = Entrance(door, self._readiness, self._enter, self._loop)
        self._hall = Hall(
            settings=settings,
            door=door,
            tokens=tokens,
            srcs=SrcTable(settings.srcs),
            counts=counts,
            clock=clock,
            turn_wanted=self._stir,
            answer_due=self._answer_soon,
            writing=self._want_to_write,
        )
        self._sweep_s = min(_SWEEP_S, settings.hello_s / 4, (settings.idle_s or _SWEEP_S) / 4)
        self._sweep()

    # For whoever reads.

    async def next(self) -> Connection | None:
        """Wait for the connection whose turn it is; None when it is nobody's any more."""
        if self._turns_since_pause >= _TURNS_AT_ONCE or self._since_pause >= _ITEMS_AT_ONCE:
            self._turns_since_pause = self._since_pause = 0
            await asyncio.sleep(0)  # the loop has more to do than this, and there may be news
        while True:
            connection = self._turns.take()
            if connection is not None:
                if connection.fileno() not in self._connections:
                    continue  # shown out in its last turn, while it was given another
                self._turns_since_pause += 1
                return connection
            if not self._connections and (self._stopped or self._entrance.failed is not None):
                return None
            self._turns_since_pause = self._since_pause = 0
            self._news.clear()
            await self._news.wait()

    def settle(self, connection: Connection, count: int) -> None:
        """Note that the ``count`` items which a connection's turn gave were taken."""
        self._since_pause += count
        rest_s = connection.settle()
        if connection.over:
            self._show_out(connection)
        elif rest_s > 0:
            self._rest(connection, self._clock() + rest_s)
        elif connection.more or connection.stopping:
            self._turns.add(connection)

    @property
    def failures(self) -> list[SourceEnded]:
        """Why nobody can connect any more, if that is so."""
        failed = self._entrance.failed
        return [] if failed is None else [SourceEnded(self._door.name, 0, failed)]

    def stop(self) -> None:
        """Let in who has connected until now, have read what came until now, and then nobody is left."""
        if self._stopped:
            return
        self._stopped = True
        self._entrance.last_call()
        self._turns.wake_all()
        for connection in self._connections.values():
            connection.stopping = True
            self._turns.add(connection)
        self._news.set()

    def close(self) -> None:
        """Hang up on all."""
        self._stopped = True
        self._entrance.close()
        for timer in self._timers.values():
            timer.cancel()
        for connection in tuple(self._connections.values()):
            self._show_out(connection)
        self._readiness.close()
        self._news.set()

    # In and out.

    def _enter(self, accepted: socket.socket) -> bool:
        if len(self._connections) >= self._most:
            self._counts.refused["full"] += 1
            return False
        self._number += 1
        self._counts.accepted += 1
        self._counts.open += 1
        connection = Connection(accepted, f"{self._door.kind}-{self._number}", self._hall)
        connection.stopping = self._stopped
        self._connections[accepted.fileno()] = connection
        self._readiness.watch(accepted.fileno())
        self._turn(connection)
        return True

    def _show_out(self, connection: Connection) -> None:
        self._due.pop(connection, None)
        del self._connections[connection.fileno()]
        self._readiness.forget(connection.fileno())
        connection.close()
        self._counts.open -= 1

    # What wakes them.

    def _hear(self, descriptor: int, flags: int) -> None:
        connection = self._connections.get(descriptor)
        if connection is None:
            if self._entrance.hear(descriptor) and self._entrance.failed is not None:
                self._news.set()
            return
        if flags & WRITABLE:
            connection.go_on_writing()
        if flags & ~WRITABLE:
            connection.hung_up = connection.hung_up or bool(flags & GONE)
            self._turn(connection)

    def _turn(self, connection: Connection) -> None:
        self._turns.add(connection)
        self._news.set()

    def _stir(self, connection: Connection) -> None:
        self._turns.stir(connection)
        self._turn(connection)

    def _want_to_write(self, connection: Connection, wanted: bool) -> None:
        self._readiness.want_to_write(connection.fileno(), wanted=wanted)

    def _rest(self, connection: Connection, until: float) -> None:
        if self._turns.rest(connection, until):
            self._wake()

    def _wake(self) -> None:
        now = self._clock()
        until = self._turns.wake(now)
        self._news.set()
        timer = self._timers.pop("wake", None)
        if timer is not None:
            timer.cancel()
        if until is not None:
            self._timers["wake"] = self._loop.call_later(max(until - now, 0.001), self._wake)

    # What comes with time.

    def _answer_soon(self, connection: Connection) -> None:
        self._due[connection] = None
        if "answer" not in self._timers:
            self._timers["answer"] = self._loop.call_later(ANSWER_EVERY_S, self._answer)

    def _answer(self) -> None:
        del self._timers["answer"]
        due, self._due = self._due, {}
        for connection in due:
            connection.answer()

    def _sweep(self) -> None:
        now = self._clock()
        for connection in tuple(self._connections.values()):
            why = connection.overdue(now)
            if why is not None:
                connection.refuse(why)
            elif connection.over and not connection.waits:
                self._show_out(connection)
        self._timers["sweep"] = self._loop.call_later(self._sweep_s, self._sweep)
