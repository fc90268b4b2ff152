"""A tray: in order, at most a window under way, all of it again after a death, and nothing told twice."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from wasmhost import ActrError, Frame
from wasmhost.host.mailbox import Letter
from wasmhost.host.reply import Reply
from wasmhost.shards.tray import WINDOW, Tray

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.config import Overflow


class Told(Reply):
    """A result that remembers what it was told; `LoopReply` makes the first one count."""

    def __init__(self) -> None:
        super().__init__("on_start")
        self.told: list[ActrError | None] = []

    def _tell(self, error: ActrError | None) -> None:
        self.told.append(error)


def letter(number: int, lost: int = 0, reply: Reply | None = None) -> Letter:
    """Make a letter that its number tells apart."""
    return Letter(Frame("on_start", number, 0, None, True, b""), number, lost, reply)


def tray(capacity: int = 2, overflow: Overflow = "drop-oldest") -> tuple[Tray, list[Letter]]:
    """Make a tray, and where it puts what it sends."""
    sent: list[Letter] = []
    return Tray(capacity, overflow, threading.Lock(), sent.append), sent


def numbers(letters: list[Letter]) -> list[int]:
    """Tell letters apart."""
    return [each.number for each in letters]


def test_letters_wait_for_a_shard_and_then_for_room() -> None:
    """Straight, where there is room."""
    box, sent = tray(3)
    box.put(letter(1))
    assert sent == []
    box.begin()
    for number in range(2, 6):
        box.put(letter(number))
    assert numbers(sent) == [1, 2, 3]
    assert box.waiting == 5
    box.done([1, 2])
    assert numbers(sent) == [1, 2, 3, 4, 5]
    box.done([3, 4, 5])
    assert box.idle


def test_a_window_is_no_larger_than_the_mailbox_it_stands_for() -> None:
    """Nor larger than keeps both sides busy."""
    assert tray(7)[0].window == 7
    assert tray(100_000)[0].window == WINDOW


def test_a_letter_that_is_not_under_way_cannot_be_done() -> None:
    """Neither one that waits, nor one that is done."""
    box, _sent = tray(1)
    box.begin()
    box.put(letter(1))
    box.put(letter(2))
    for number in (2, 3, 0):
        with pytest.raises(KeyError):
            box.done([number])
    box.done([1])
    with pytest.raises(KeyError):
        box.done([1])


def test_who_waits_for_room_is_told_though_the_only_letter_died_with_its_shard() -> None:
    """Nothing is ever done then that would tell: a feed without loss would stand still for ever."""
    box, _sent = tray(1)
    told: list[bool] = []
    box.begin()
    box.put(letter(1))
    assert box.tell_when_room(lambda: told.append(True))
    del box.under_way[1]  # as a letter is that its observer is convicted of
    box.recall(0)
    assert told == []
    box.begin()
    assert told == [True]


def test_a_result_that_a_shard_keeps_to_itself_is_given_up() -> None:
    """Whoever awaits it must not wait for ever when the letter is said to be done."""
    box, _sent = tray()
    box.begin()
    reply = Told()
    box.put(letter(1, reply=reply))
    box.done([1])
    assert [error.kind for error in reply.told if error is not None] == ["unavailable"]


def test_held_it_sends_nothing_until_it_is_let_go() -> None:
    """Whoever begins anew, or has done something: letters wait, and go in order then."""
    box, sent = tray(3)
    box.begin()
    box.put(letter(1))
    box.hold()
    box.put(letter(2))
    box.done([1])
    box.begin()
    assert numbers(sent) == [1]
    box.let_go()
    box.begin()
    box.put(letter(3))
    assert numbers(sent) == [1, 2, 3]


class TrayMachine(RuleBasedStateMachine):
    """A tray against lists, whatever happens in whatever order.

    Events have numbers without a gap, those that are lost too: so what a letter must say of events lost in
    front of it follows from its number and from that of the one sent before.
    """

    @initialize(capacity=st.integers(1, 4), overflow=st.sampled_from(["drop-oldest", "drop-newest"]))
    def make(self, capacity: int, overflow: Overflow) -> None:
        """Start empty, with no shard."""
        self.sent: list[Letter] = []
        self.tray = Tray(capacity, overflow, threading.Lock(), self.sent.append)
        self.capacity = capacity
        self.oldest_goes = overflow == "drop-oldest"
        self.number = 0
        self.up = self.closed = False
        self.waiting: list[int] = []
        self.under_way: list[int] = []
        self.expected: list[int] = []  # what was to be sent
        self.checked = 0  # how many of those sent have been looked at
        self.last = 0  # the event up to which the shard has been told
        self.last_done = 0
        self.untold = 0  # lost events that no number stands for
        self.replies: dict[int, Told] = {}
        self.given_up: set[int] = set()
        self.dropped = 0
        self.waiters = 0
        self.told = 0

    def _send_first(self) -> None:
        number = self.waiting.pop(0)
        self.under_way.append(number)
        self.expected.append(number)

    def _pump(self) -> None:
        while self.up and self.waiting and len(self.under_way) < self.capacity:
            self._send_first()

    def _tell(self) -> None:
        self.told += self.waiters
        self.waiters = 0

    def _tell_of_room(self) -> None:
        if len(self.under_way) <= self.capacity // 2 and not self.waiting:
            self._tell()

    def _drop(self, gone: list[int]) -> None:
        self.dropped += len(gone)
        self.given_up |= set(gone)

    @rule(lost=st.integers(0, 3), awaited=st.booleans())
    def put(self, lost: int, awaited: bool) -> None:
        """Put a letter in front of which some were lost."""
        self.number += lost + 1
        number = self.number
        reply = Told() if awaited else None
        if reply is not None:
            self.replies[number] = reply
        assert not self.tray.put(letter(number, lost, reply))
        if self.closed:
            self._drop([number])
        elif len(self.waiting) < self.capacity or awaited:
            self.waiting.append(number)
        elif self.oldest_goes and self.waiting[0] not in self.replies:
            self._drop([self.waiting.pop(0)])
            self.waiting.append(number)
        else:
            self._drop([number])
        self._pump()

    @rule(count=st.integers(1, 5))
    def lose(self, count: int) -> None:
        """Lose events on the way."""
        self.number += count
        self.tray.lose(count)

    @rule(count=st.integers(1, 4))
    def done(self, count: int) -> None:
        """Hear that the first letters are done."""
        gone, self.under_way = self.under_way[:count], self.under_way[count:]
        for number in gone:
            if number in self.replies:
                self.replies[number].done()
        self.tray.done(gone)
        if gone:
            self.last_done = gone[-1]
        self._pump()
        self._tell_of_room()

    @precondition(lambda self: not self.up)
    @rule()
    def begin(self) -> None:
        """Have a shard."""
        self.tray.begin()
        if not self.closed:
            self.up = True
            self._pump()
            self._tell_of_room()

    @rule()
    def pause(self) -> None:
        """Send nothing more."""
        self.tray.pause()
        self.up = False

    @rule(lost=st.integers(0, 3))
    def recall(self, lost: int) -> None:
        """Lose the shard."""
        self.agrees()
        self.tray.recall(lost)
        self.up = False
        # What was told with letters that come again is told again, and nothing else is.
        if self.under_way:
            again = [each for each in self.sent if each.number == self.under_way[0]]
            self.untold = again[-1].lost - (self.under_way[0] - self.last_done - 1)
        self.untold += lost
        self.last = self.last_done
        if self.closed:
            self._drop(self.under_way)
        else:
            self.waiting[:0] = self.under_way
        self.under_way = []

    @precondition(lambda self: not self.closed)
    @rule(lost=st.integers(0, 3))
    def hand_over(self, lost: int) -> None:
        """Be held, have back what was under way, and give all to another tray, which goes on in its place."""
        self.tray.hold()
        self.tray.begin()  # another process may come meanwhile: nothing is sent
        self.recall(0)
        handed = self.tray.hand_over(lost)
        self.untold += lost
        self._tell()
        self.tray = Tray(
            self.capacity,
            "drop-oldest" if self.oldest_goes else "drop-newest",
            threading.Lock(),
            self.sent.append,
        )
        self.tray.inherit(handed.dropped)
        for each in handed.letters:
            self.tray.put(each, waited=True)
        self.tray.lose(handed.lost)

    @precondition(lambda self: not self.up)
    @rule(how_many=st.integers(0, 3))
    def send_up_to(self, how_many: int) -> None:
        """Try one observer alone."""
        if how_many < len(self.waiting):
            self.tray.send_up_to(self.waiting[how_many])
            for _ in range(how_many + 1):
                self._send_first()

    @rule()
    def wait_for_room(self) -> None:
        """Ask to be told when there is room."""
        full = not self.closed and (len(self.under_way) >= self.capacity or bool(self.waiting))
        assert self.tray.tell_when_room(self._teller()) == full
        self.waiters += full

    def _teller(self) -> Callable[[], None]:
        def tell() -> None:
            self.told -= 1

        return tell

    @precondition(lambda self: self.number > 15)
    @rule()
    def close(self) -> None:
        """Close it: what is under way may be done still."""
        self.tray.close()
        self.closed = True
        self.up = False
        self._drop(self.waiting)
        self.waiting = []
        self._tell()

    @precondition(lambda self: self.closed)
    @rule()
    def abandon(self) -> None:
        """Give up what is under way."""
        self.tray.abandon()
        self._drop(self.under_way)
        self.under_way = []

    @invariant()
    def agrees(self) -> None:
        """Both know the same, and everything was sent that was to be, in order, with what was lost."""
        assert numbers(self.sent) == self.expected
        for each in self.sent[self.checked :]:
            assert each.lost == each.number - self.last - 1 + self.untold
            self.last = each.number
            self.untold = 0
        self.checked = len(self.sent)
        assert list(self.tray.under_way) == self.under_way
        assert self.tray.waiting == len(self.waiting) + len(self.under_way)
        assert self.tray.idle == (not self.waiting and not self.under_way)
        assert self.tray.closed == self.closed
        assert self.tray.dropped == self.dropped
        assert self.told == 0
        for number, reply in self.replies.items():
            if number in self.given_up:
                assert [error.kind for error in reply.told if error is not None] == ["unavailable"]
            elif number in self.waiting or number in self.under_way:
                assert reply.told == []
            else:
                assert reply.told[0] is None


TestTray = TrayMachine.TestCase
