"""A bounded FIFO of letters between whoever emits and the one worker that serves an observer."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from wasmhost.grants.views import Views

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.config import Overflow
    from wasmhost.contract.codec import Frame
    from wasmhost.grants.profiles import Profile
    from wasmhost.host.hook_tally import DropCounts, DropReason
    from wasmhost.host.reply import Reply


class Letter(NamedTuple):
    """One event for one observer.

    ``number`` counts the run's events from 1: the clock of a lossless run. ``lost`` is how many
    events were lost in front of it. ``reply`` is there where somebody awaits the hook's result.
    ``views`` is there where somebody who hears the event may see it in disguise only, and shared.
    ``disguised``: ``frame`` itself is no more than what may be seen of the event, as in a shard.
    """

    frame: Frame
    number: int
    lost: int = 0
    reply: Reply | None = None
    views: Views | None = None
    disguised: bool = False

    def view(self, profile: Profile | None) -> Frame:
        """Return the event as a profile shows it; as it is where there is none."""
        if profile is None:
            return self.frame
        # A letter without views was written where nobody with a profile hears; it is not shown by mistake.
        return (self.views or Views(self.frame)).of(profile)


class HandedOver(NamedTuple):
    """What one mailbox leaves to the next of the same observer.

    ``lost`` events were lost behind the last letter; ``dropped`` letters were given up so far.
    """

    letters: list[Letter]
    lost: int
    dropped: int


class Mailbox:
    """Letters of one observer, at most ``capacity`` of them. Safe from any thread.

    Somebody is *on duty* from the `put` that found nobody there until the `take` that finds nothing:
    so an observer is served by one worker at a time, and a worker is called once.
    """

    def __init__(self, capacity: int, overflow: Overflow, drops: DropCounts | None = None) -> None:
        """``drops``: where what is dropped is counted by hook and reason, too."""
        self.dropped = 0
        self._drops = {} if drops is None else drops
        self._capacity = capacity
        self._drop_oldest = overflow == "drop-oldest"
        self._letters: deque[Letter] = deque()
        self._lock = threading.Lock()
        self._on_duty = False
        self._closed = False
        self._lost_in_front = 0  # of the oldest letter
        self._lost_behind = 0  # the newest letter, so in front of the next one put
        self._tell: list[Callable[[], None]] = []

    def put(self, letter: Letter, *, waited: bool = False) -> bool:
        """Add a letter, or drop one by policy; True when somebody must now be called to serve.

        A letter that somebody awaits is never dropped for want of room: who awaits cannot send many. Nor
        is one that has ``waited`` already, in the mailbox before this one.
        """
        with self._lock:
            letters = self._letters
            if self._closed:
                self._give_up(letter)
                return False
            if len(letters) >= self._capacity and letter.reply is None and not waited:
                if not self._drop_oldest or letters[0].reply is not None:
                    self._count_drop(letter, "mailbox_full")
                    self._lost_behind += 1 + letter.lost
                    return False
                oldest = letters.popleft()
                self._count_drop(oldest, "mailbox_full")
                self._lost_in_front += 1 + oldest.lost
            if self._lost_behind:
                letter = letter._replace(lost=letter.lost + self._lost_behind)
                self._lost_behind = 0
            letters.append(letter)
            if self._on_duty:
                return False
            self._on_duty = True
            return True

    def lose(self, count: int) -> None:
        """Note that events were lost on the way here, behind the newest letter."""
        with self._lock:
            self._lost_behind += count

    def take(self) -> Letter | None:
        """Take the next letter, its ``lost`` up to date; None, and off duty, when there is none."""
        with self._lock:
            letters = self._letters
            if not letters:
                self._on_duty = False
                return None
            letter = letters.popleft()
            if self._lost_in_front:
                letter = letter._replace(lost=letter.lost + self._lost_in_front)
                self._lost_in_front = 0
            if self._tell and len(letters) <= self._capacity // 2:
                self._tell_all()
            return letter

    def put_back(self, letter: Letter) -> None:
        """Undo a `take`: the letter could not be delivered yet. Whoever took it stays on duty."""
        with self._lock:
            letters = self._letters
            if self._closed:
                self._give_up(letter)
                return
            if self._lost_in_front:  # dropped while the letter was out: behind it, not in front
                letters[0] = letters[0]._replace(lost=letters[0].lost + self._lost_in_front)
                self._lost_in_front = 0
            letters.appendleft(letter)

    def lose_in_front(self, count: int) -> None:
        """Note that events were lost before the oldest letter, or, where there is none, the next one."""
        with self._lock:
            if self._letters:
                self._lost_in_front += count
            else:
                self._lost_behind += count

    def take_awaited(self) -> list[Letter]:
        """Take the letters that somebody awaits out of the line, and leave the others waiting."""
        with self._lock:
            taken: list[Letter] = []
            kept: deque[Letter] = deque()
            lost = 0
            for letter in self._letters:
                if letter.reply is not None:
                    taken.append(letter)
                    lost += 1 + letter.lost
                    continue
                kept.append(letter._replace(lost=letter.lost + lost) if lost else letter)
                lost = 0
            self._letters = kept
            self._lost_behind += lost
            return taken

    def hand_over(self) -> HandedOver:
        """Give away all that waits, and take nothing more. While nobody serves, or who does is paused."""
        with self._lock:
            letters, self._letters = list(self._letters), deque()
            lost, self._lost_in_front = self._lost_in_front, 0
            if letters and lost:
                letters[0] = letters[0]._replace(lost=letters[0].lost + lost)
                lost = 0
            self._closed = True
            self._tell_all()
            return HandedOver(letters, lost + self._lost_behind, self.dropped)

    def inherit(self, dropped: int) -> None:
        """Count what an earlier mailbox of the same observer has dropped."""
        with self._lock:
            self.dropped += dropped

    def tell_when_room(self, tell: Callable[[], None]) -> bool:
        """Whether it is full; then ``tell`` is called, once and from any thread, when half is free.

        ``tell`` must not raise, nor call the mailbox.
        """
        with self._lock:
            if self._closed or len(self._letters) < self._capacity:
                return False
            self._tell.append(tell)
            return True

    def close(self) -> None:
        """Give up all that waits, and from now on all that comes; both count as dropped.

        Who serves finds nothing more. Whoever awaits a result is told. Safe to call again.
        """
        with self._lock:
            self._closed = True
            letters = self._letters
            while letters:
                self._give_up(letters.popleft())
            self._tell_all()

    def _give_up(self, letter: Letter) -> None:
        self._count_drop(letter, "closing")
        if letter.reply is not None:
            letter.reply.given_up()

    def _count_drop(self, letter: Letter, why: DropReason) -> None:
        self.dropped += 1
        key = letter.frame.hook, why
        self._drops[key] = self._drops.get(key, 0) + 1

    def _tell_all(self) -> None:
        tell, self._tell = self._tell, []
        for each in tell:
            each()

    @property
    def closed(self) -> bool:
        """Whether nothing will ever come of it any more."""
        return self._closed

    @property
    def first(self) -> int | None:
        """The number of the oldest letter; None where there is none."""
        with self._lock:
            return self._letters[0].number if self._letters else None

    @property
    def plain(self) -> bool:
        """Whether nothing waits, not even the news of something lost."""
        return not (self._letters or self._lost_behind or self._lost_in_front)

    @property
    def full(self) -> bool:
        """Whether the next letter would find no room."""
        return len(self._letters) >= self._capacity and not self._closed

    @property
    def waiting(self) -> int:
        """How many letters wait."""
        return len(self._letters)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nobody serves."""
        return not self._on_duty
