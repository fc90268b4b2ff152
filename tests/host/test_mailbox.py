"""The bounded FIFO: order, overflow, counts, what is lost, and who is on duty."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.host.helpers import wait_until
from wasmhost import ActrError, Frame
from wasmhost.host.mailbox import Letter, Mailbox
from wasmhost.host.reply import LoopReply

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.config import Overflow


def letter(number: int, lost: int = 0, reply: LoopReply | None = None) -> Letter:
    """Make a letter that its number tells apart."""
    return Letter(Frame("on_webrtc_connected", number, 0, None, True, b""), number, lost, reply)


def numbers(mailbox: Mailbox) -> list[int]:
    """Take all that waits."""
    found: list[int] = []
    while (taken := mailbox.take()) is not None:
        found.append(taken.number)
    return found


def test_letters_come_out_in_the_order_they_went_in() -> None:
    """It is a FIFO."""
    mailbox = Mailbox(10, "drop-oldest")
    for number in range(5):
        mailbox.put(letter(number))
    assert mailbox.waiting == 5
    assert numbers(mailbox) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("overflow", "kept"), [("drop-oldest", [3, 4]), ("drop-newest", [0, 1])])
def test_a_full_mailbox_drops_by_its_policy_and_counts(overflow: Overflow, kept: list[int]) -> None:
    """The oldest letters go, or the newest do."""
    mailbox = Mailbox(2, overflow)
    for number in range(5):
        mailbox.put(letter(number))
    assert mailbox.dropped == 3
    assert numbers(mailbox) == kept


def test_dropping_the_oldest_tells_the_next_letter_what_was_lost_in_front_of_it() -> None:
    """What the dropped letters had lost counts too."""
    mailbox = Mailbox(2, "drop-oldest")
    mailbox.put(letter(0, lost=5))
    for number in range(1, 4):
        mailbox.put(letter(number))
    taken = mailbox.take()
    assert taken is not None
    assert (taken.number, taken.lost) == (2, 5 + 2)
    assert mailbox.take() == letter(3)


def test_dropping_the_newest_tells_the_letter_put_next_what_was_lost() -> None:
    """The letters that wait lost nothing in front of them."""
    mailbox = Mailbox(1, "drop-newest")
    mailbox.put(letter(0))
    mailbox.put(letter(1))
    mailbox.lose(10)
    assert mailbox.take() == letter(0)
    mailbox.put(letter(2))
    assert mailbox.take() == letter(2, lost=11)


def test_only_the_put_that_finds_nobody_on_duty_calls_somebody() -> None:
    """Whoever takes nothing goes off duty."""
    mailbox = Mailbox(10, "drop-oldest")
    assert mailbox.idle
    assert mailbox.put(letter(0))
    assert not mailbox.put(letter(1))
    mailbox.take()
    mailbox.take()
    assert not mailbox.idle
    assert not mailbox.put(letter(2))
    assert numbers(mailbox) == [2]
    assert mailbox.idle
    assert mailbox.put(letter(3))


def test_a_letter_put_back_is_the_next_one_and_keeps_what_it_lost() -> None:
    """What is dropped while it is out was lost behind it."""
    mailbox = Mailbox(2, "drop-oldest")
    for number in range(3):
        mailbox.put(letter(number))
    taken = mailbox.take()
    assert taken is not None
    assert taken == letter(1, lost=1)
    mailbox.put(letter(3))
    mailbox.put(letter(4))
    mailbox.put_back(taken)
    assert mailbox.take() == letter(1, lost=1)
    assert mailbox.take() == letter(3, lost=1)


async def test_an_awaited_letter_is_never_dropped_for_want_of_room() -> None:
    """Neither as the newest nor as the oldest."""
    mailbox = Mailbox(1, "drop-oldest")
    reply = LoopReply("on_start")
    mailbox.put(letter(0))
    mailbox.put(letter(1, reply=reply))
    assert mailbox.take() == letter(0)
    mailbox.put(letter(2))
    assert mailbox.take() == letter(1, reply=reply)
    assert mailbox.dropped == 1
    mailbox.put(letter(3))
    assert mailbox.take() == letter(3, lost=1)


async def test_awaited_letters_can_be_taken_out_of_the_line() -> None:
    """To those behind they are lost, and so is what was lost in front of them."""
    mailbox = Mailbox(10, "drop-oldest")
    first, second = LoopReply("on_start"), LoopReply("on_stop")
    mailbox.put(letter(0, lost=1))
    mailbox.put(letter(1, lost=2, reply=first))
    mailbox.put(letter(2, lost=3))
    mailbox.put(letter(3, lost=4, reply=second))
    assert [taken.reply for taken in mailbox.take_awaited()] == [first, second]
    mailbox.put(letter(4))
    assert [mailbox.take(), mailbox.take(), mailbox.take()] == [
        letter(0, lost=1),
        letter(2, lost=3 + 1 + 2),
        letter(4, lost=1 + 4),
    ]
    assert mailbox.dropped == 0


def test_everybody_who_waits_for_room_is_told_when_half_is_free() -> None:
    """Two feeders may wait for the same observer."""
    mailbox = Mailbox(4, "drop-oldest")
    told: list[str] = []
    assert not mailbox.tell_when_room(lambda: told.append("never"))
    for number in range(4):
        mailbox.put(letter(number))
    assert mailbox.tell_when_room(lambda: told.append("first"))
    assert mailbox.tell_when_room(lambda: told.append("second"))
    mailbox.take()
    assert told == []
    mailbox.take()
    assert told == ["first", "second"]
    mailbox.take()
    assert told == ["first", "second"]


async def test_closing_gives_up_what_waits_and_what_comes_later() -> None:
    """All of it counts as dropped, whoever awaits is told, and who waits for room is let go."""
    mailbox = Mailbox(2, "drop-newest")
    told: list[bool] = []
    early, late = LoopReply("on_start"), LoopReply("on_stop")
    mailbox.put(letter(0))
    mailbox.put(letter(1, reply=early))
    assert mailbox.tell_when_room(lambda: told.append(True))
    mailbox.close()
    mailbox.close()
    assert told == [True]
    assert not mailbox.put(letter(2))
    assert not mailbox.put(letter(3, reply=late))
    mailbox.put_back(letter(4))
    assert mailbox.dropped == 5
    assert not mailbox.tell_when_room(lambda: None)
    assert mailbox.take() is None
    assert mailbox.idle
    for reply in (early, late):
        error = await asyncio.wait_for(reply.error(), 5)
        assert isinstance(error, ActrError)
        assert error.kind == "unavailable"


async def test_one_that_was_handed_over_takes_nothing_more() -> None:
    """What comes late is given up, and counted where it was put."""
    mailbox = Mailbox(2, "drop-oldest")
    for number in range(3):
        mailbox.put(letter(number))
    mailbox.lose(4)
    handed = mailbox.hand_over()
    assert [(each.number, each.lost) for each in handed.letters] == [(1, 1), (2, 0)]
    assert (handed.lost, handed.dropped) == (4, 1)
    assert mailbox.take() is None
    mailbox.put(letter(3))
    assert (mailbox.dropped, mailbox.waiting) == (2, 0)


def test_on_duty_is_one_at_a_time_and_nobody_is_forgotten() -> None:
    """Four threads put, and every call starts a server of its own, as the scheduler may."""
    mailbox = Mailbox(1_000_000, "drop-oldest")
    each = 3_000
    served: list[int] = []
    busy = threading.Lock()
    overlaps = 0
    servers: list[threading.Thread] = []

    def serve() -> None:
        nonlocal overlaps
        while (taken := mailbox.take()) is not None:
            alone = busy.acquire(blocking=False)
            served.append(taken.number)
            if alone:
                busy.release()
            else:
                overlaps += 1

    def put(first: int) -> None:
        for number in range(first, first + each):
            if mailbox.put(letter(number)):
                server = threading.Thread(target=serve)
                servers.append(server)
                server.start()

    putters = [threading.Thread(target=put, args=(index * each,)) for index in range(4)]
    for putter in putters:
        putter.start()
    for putter in putters:
        putter.join()
    wait_until(lambda: mailbox.idle)
    for server in servers:
        server.join()
    assert overlaps == 0
    assert sorted(served) == list(range(4 * each))
    for index in range(4):
        own = [number for number in served if number // each == index]
        assert own == sorted(own)


class MailboxMachine(RuleBasedStateMachine):
    """A mailbox against a list, whatever is done to it in whatever order."""

    @initialize(capacity=st.integers(1, 4), overflow=st.sampled_from(["drop-oldest", "drop-newest"]))
    def make(self, capacity: int, overflow: Overflow) -> None:
        """Start empty."""
        self.mailbox = Mailbox(capacity, overflow)
        self.capacity = capacity
        self.oldest_goes = overflow == "drop-oldest"
        self.number = 0
        self.on_duty = False
        self.closed = False
        self.out: Letter | None = None
        # The model: events in order, True for one that waits and False for one that was lost.
        self.line: list[tuple[int, bool]] = []
        self.dropped = 0
        self.told = 0
        self.waiters = 0

    def _waiting(self) -> list[int]:
        return [place for place, (_number, there) in enumerate(self.line) if there]

    @rule(lost=st.integers(0, 3))
    def put(self, lost: int) -> None:
        """Put a letter in front of which some were lost."""
        self.number += 1
        called = self.mailbox.put(letter(self.number, lost))
        if self.closed:
            self.dropped += 1
            assert not called
            return
        waiting = self._waiting()
        full = len(waiting) >= self.capacity
        if full:
            self.dropped += 1
        if full and self.oldest_goes:
            self.line[waiting[0]] = (self.line[waiting[0]][0], False)
        self.line += [(0, False)] * lost
        self.line.append((self.number, not full or self.oldest_goes))
        if not full or self.oldest_goes:
            assert called == (not self.on_duty)
            self.on_duty = True

    @rule(count=st.integers(1, 5))
    def lose(self, count: int) -> None:
        """Lose events on the way."""
        self.mailbox.lose(count)
        self.line += [(0, False)] * count

    @precondition(lambda self: self.out is None)
    @rule(back=st.booleans())
    def take(self, back: bool) -> None:
        """Take a letter, and perhaps mean to put it back."""
        taken = self.mailbox.take()
        waiting = self._waiting()
        if not waiting or self.closed:
            assert taken is None
            self.on_duty = False
            return
        assert taken is not None
        place = waiting[0]
        assert taken.number == self.line[place][0]
        assert taken.lost == place  # all in front of the first that waits were lost
        del self.line[: place + 1]
        if back:
            self.out = taken
        if self.waiters and len(waiting) - 1 <= self.capacity // 2:
            self.told += self.waiters
            self.waiters = 0

    @precondition(lambda self: self.out is not None)
    @rule()
    def put_back(self) -> None:
        """Put the letter back that was taken."""
        assert self.out is not None
        self.mailbox.put_back(self.out)
        if self.closed:
            self.dropped += 1
        else:
            self.line[:0] = [(0, False)] * self.out.lost + [(self.out.number, True)]
        self.out = None

    @rule()
    def wait_for_room(self) -> None:
        """Ask to be told when there is room."""
        full = not self.closed and len(self._waiting()) >= self.capacity
        assert self.mailbox.tell_when_room(self._tell()) == full
        self.waiters += full

    def _tell(self) -> Callable[[], None]:
        def tell() -> None:
            self.told -= 1

        return tell

    @precondition(lambda self: self.out is None and not self.closed)
    @rule()
    def hand_over(self) -> None:
        """Give all to another mailbox: it goes on where this one was, and tells of the same losses."""
        handed = self.mailbox.hand_over()
        assert self.mailbox.waiting == 0
        self.told += self.waiters
        self.waiters = 0
        self.mailbox = Mailbox(self.capacity, "drop-oldest" if self.oldest_goes else "drop-newest")
        self.mailbox.inherit(handed.dropped)
        self.on_duty = bool(handed.letters)
        for place, each in enumerate(handed.letters):
            assert self.mailbox.put(each, waited=True) == (place == 0)
        self.mailbox.lose(handed.lost)

    @precondition(lambda self: self.number > 10)
    @rule()
    def close(self) -> None:
        """Close it."""
        self.mailbox.close()
        self.dropped += len(self._waiting())
        self.line = []
        self.told += self.waiters
        self.waiters = 0
        self.closed = True

    @invariant()
    def agrees(self) -> None:
        """The counts are the model's."""
        if hasattr(self, "mailbox"):
            assert self.mailbox.dropped == self.dropped
            assert self.mailbox.waiting == len(self._waiting())
            assert self.mailbox.idle == (not self.on_duty)
            assert self.told == 0


TestMailboxMachine = MailboxMachine.TestCase
