"""Who lives in a shard, and how they come and go while it serves the others.

The fleet asks for it, from threads of its own, and waits; the shard's thread hears what became of it. Between
the two there may be a death: then the next process loads all who are there, and knows nothing of the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.errors import GuestRefused
from wasmhost.shards.framing import Garbled, Kind
from wasmhost.shards.life import Notes
from wasmhost.shards.loads import Load, write_load
from wasmhost.shards.members import PLACES
from wasmhost.shards.multicast import Multicast
from wasmhost.shards.packing import Packer, Unpacker
from wasmhost.shards.watchdog import patience_s

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from wasmhost.shards.desk import Desk
    from wasmhost.shards.framing import Frame
    from wasmhost.shards.members import Member

LOADING: Final = (1 << 64) - 1
"""Noted as an observer's letter in hand while it is loaded."""
_MAX_REASON: Final = 1024
_MAX_HOOKS: Final = 64
_HOOK_NAME: Final = 64


class Household:
    """The members of a shard, by their places.

    ``lock`` is that of all their trays. ``kill`` ends the process that has been asked for something and does
    not do it.
    """

    def __init__(self, members: Sequence[Member], kill: Callable[[], None]) -> None:
        self.multicast = Multicast()
        self.lock = self.multicast.lock
        self.notes = Notes(PLACES)
        self.serving = False
        """Whether letters flow now."""
        self._kill = kill
        self._ended = False
        self._at: dict[int, Member] = {}
        # Places of those whom this process is loading beside the others, whom it has, and is to unload.
        self._entering: set[int] = set()
        self._loaded: set[int] = set()
        self._leaving: set[int] = set()
        for member in members:
            self._seat(member)

    @property
    def members(self) -> tuple[tuple[int, Member], ...]:
        """Who is there, by their places."""
        return tuple(sorted(self._at.copy().items()))

    def at(self, place: int) -> Desk:
        """Who is at a place.

        :raises Garbled: nobody is, so what a shard says is about nobody.
        """
        member = self._at.get(place)
        if member is None:
            raise Garbled("it tells of an observer that is not there")
        return member.desk

    # For the fleet.

    def admit(self, member: Member) -> bool:
        """Take one more in, and wait until it runs beside the others; False where there is no place.

        :raises GuestRefused: it would not start.
        """
        desk = member.desk
        with self.lock:
            if self._ended or len(self._at) >= PLACES:
                return False
            place = self._seat(member)
            try:
                if self.serving:
                    self._send_load(place, member)
            except BaseException:  # its state cannot be read, say
                self._unseat(place)
                raise
        desk.entered.wait()
        if desk.refused is None:
            return True
        with self.lock:
            self._unseat(place)
        raise GuestRefused(desk.refused)

    def pause(self, desk: Desk) -> None:
        """Have its letter in hand finished, and the others back here."""
        with self.lock:
            desk.rested.clear()
            desk.mailbox.hold()
            if self._ended:
                desk.rested.set()
            elif self.serving:
                self._tell(Kind.PAUSE, desk)
            # Else whoever opens the next process sees that it is held.
        self._wait(desk.rested, desk)

    def resume(self, desk: Desk) -> None:
        """Let it go on."""
        with self.lock:
            desk.mailbox.let_go()
            if self.serving:
                self._tell(Kind.RESUME, desk)
                desk.mailbox.begin()

    def dismiss(self, desk: Desk) -> None:
        """Have it unloaded, after a `pause`, and forget it."""
        with self.lock:
            desk.dismissed = True
            place = self._place_of(desk)
            if self._ended:
                self._unseat(place)
            elif self.serving:
                self._send_unload(place)
            # Else whoever opens, or buries, the process sees that it is dismissed.
        self._wait(desk.gone, desk)

    def _wait(self, event: threading.Event, desk: Desk) -> None:
        """Wait for what a shard was asked for; one that does not do it has no place among us."""
        if not event.wait(patience_s(desk)):
            self._kill()
            event.wait()

    # For the shard's own thread.

    def load_of(self, place: int, member: Member) -> bytes:
        """What a member is loaded from, with the state and the panics it has come to."""
        desk = member.desk
        load = Load(
            place, LOADING, desk.observer, member.wasm, member.artifact, desk.state(), list(desk.panics)
        )
        return write_load(load)

    def open(self) -> None:
        """Let letters flow; see to those who came, or were to rest or go, before the process was ready."""
        with self.lock:
            self.serving = True
            self.multicast.open()
            for place, member in self.members:
                desk = member.desk
                if desk.dismissed:
                    self._send_unload(place)
                elif not desk.out and not desk.entered.is_set():
                    self._send_load(place, member)
                elif desk.mailbox.held:
                    desk.rested.set()

    def entered(self, frame: Frame, place: int | None = None) -> None:
        """Hear how loading somebody went; ``place``: it is the only one that is being loaded."""
        source = Unpacker(frame.body)
        told = source.u16()
        if told != place and told not in self._entering:
            raise Garbled("another observer was loaded than was to be")
        desk = self.at(told)
        self._entering.discard(told)
        if frame.kind is Kind.LOADED:
            hooks = frozenset(source.text(_HOOK_NAME) for _ in range(source.count(_MAX_HOOKS)))
            desk.may_hear(hooks)
            self._loaded.add(told)
            desk.came_in(hooks)
            with self.lock:
                if self.serving:
                    desk.mailbox.begin()
        else:
            desk.turned_away(bug=bool(source.u8()), reason=source.text(_MAX_REASON))

    def rests(self, frame: Frame) -> None:
        """Hear that somebody has nothing in hand."""
        desk = self.at(Unpacker(frame.body).u16())
        with self.lock:
            if not desk.mailbox.held:
                raise Garbled("an observer rests that is not to")
            desk.mailbox.recall(0)
        desk.rested.set()

    def left(self, frame: Frame) -> None:
        """Hear that somebody was unloaded."""
        place = Unpacker(frame.body).u16()
        with self.lock:
            if place not in self._leaving:
                raise Garbled("an observer leaves that is not to")
            self._unseat(place)

    def in_hand(self) -> list[tuple[Desk, int]]:
        """Who had which letter in hand, or was being loaded, by what the shard noted of that."""
        return [
            (member.desk, number)
            for place, member in self.members
            if (number := self.notes.numbers[place])
            and (number in member.desk.mailbox.under_way if number != LOADING else place in self._entering)
        ]

    def watched(self) -> list[tuple[Desk, int, int]]:
        """What `Watchdog.look` takes: what a shard was asked to load it has in hand, whatever it notes."""
        noted = self.notes.numbers
        return [
            (
                member.desk,
                LOADING if place in self._entering else noted[place],
                next(iter(member.desk.mailbox.under_way), 0),
            )
            for place, member in self.members
        ]

    def without_process(self, reason: str) -> None:
        """There is no process now, and may be none for long: let nobody wait for one.

        It has nothing in hand, so those that are to rest, rest, and those that are to go are gone.
        """
        with self.lock:
            self._release(reason)

    def bury(self) -> None:
        """The process is gone: take back what was under way. With the lock held."""
        self.notes.clear()
        for places in (self._entering, self._loaded, self._leaving):
            places.clear()
        for place, member in self.members:
            desk = member.desk
            desk.mailbox.recall(desk.untold())
            if desk.dismissed:
                self._unseat(place)

    def end(self) -> None:
        """There will be no other process."""
        with self.lock:
            self._ended = True
            for _, member in self.members:
                member.desk.mailbox.abandon()
            self._release("the host closes")
        self.notes.close()

    # With the lock held.

    def _seat(self, member: Member) -> int:
        place = next(place for place in range(PLACES) if place not in self._at)
        self._at[place] = member
        self.multicast.admit(member.desk, place)
        return place

    def _unseat(self, place: int) -> None:
        desk = self._at.pop(place).desk
        self.multicast.dismiss(desk)
        for places in (self._entering, self._loaded, self._leaving):
            places.discard(place)
        desk.gone.set()

    def _release(self, reason: str) -> None:
        """Let nobody wait for a process; ``reason``: why those do not run that are not loaded yet."""
        for place, member in self.members:
            desk = member.desk
            if desk.dismissed:
                self._unseat(place)
            elif not desk.entered.is_set() and not desk.out:
                desk.turned_away(bug=False, reason=reason)
            elif desk.mailbox.held:
                desk.rested.set()

    def _place_of(self, desk: Desk) -> int:
        return next(place for place, member in self._at.items() if member.desk is desk)

    def _send_load(self, place: int, member: Member) -> None:
        body = self.load_of(place, member)
        self._entering.add(place)
        self.notes.numbers[place] = LOADING  # whatever the process dies of, this one is among the suspects
        self.multicast.tell(Kind.LOAD, body)

    def _send_unload(self, place: int) -> None:
        if place in self._loaded:
            self._leaving.add(place)
            self._tell(Kind.UNLOAD, self._at[place].desk)
        else:
            self._unseat(place)

    def _tell(self, kind: Kind, desk: Desk) -> None:
        body = Packer()
        body.u16(self._place_of(desk))
        self.multicast.tell(kind, body.data)
