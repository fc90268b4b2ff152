"""The mailbox of an observer that runs in a shard: what waits here, and what is under way there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from wasmhost.host.mailbox import Mailbox

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from wasmhost.config import Overflow
    from wasmhost.host.hook_tally import DropCounts, DropReason
    from wasmhost.host.mailbox import HandedOver, Letter

WINDOW: Final = 512
"""Letters that may be under way to one observer: enough that neither side waits for the other."""


class Tray:
    """Letters of one observer. Has the face of `Mailbox`, and is as safe.

    A letter goes straight to the shard while the observer keeps up. Else it waits in the *backlog*, an
    ordinary mailbox with its policy, and follows as others are done. What is under way is remembered
    until the shard says that it is done: if the shard dies first, it goes to the next one.

    ``lock`` is the shard's; the methods that say so want it held.
    """

    def __init__(
        self,
        capacity: int,
        overflow: Overflow,
        lock: threading.Lock,
        send: Callable[[Letter], None],
        drops: DropCounts | None = None,
    ) -> None:
        """``send`` puts a letter on its way, with the lock held. ``drops``: see `Mailbox`."""
        self._drops = {} if drops is None else drops
        self.under_way: dict[int, Letter] = {}
        self.window = min(WINDOW, capacity)
        self.open = False
        """Whether the next letter may go straight, as far as there is room in the window."""
        self._backlog = Mailbox(capacity, overflow, self._drops)
        self._lock = lock
        self._send = send
        self._up = False  # whether there is a shard that takes letters
        self.held = False
        """Whether nothing is put on its way, whoever is there."""
        self._dropped = 0
        self._tell: list[Callable[[], None]] = []

    # The face of a mailbox.

    def put(self, letter: Letter, *, waited: bool = False) -> bool:
        """Add a letter; False, because nobody here need be called."""
        with self._lock:
            if self.open and len(self.under_way) < self.window:
                self.under_way[letter.number] = letter
                self._send(letter)
            else:
                self.queue(letter, waited=waited)
        return False

    def lose(self, count: int) -> None:
        """Note that events were lost on the way here."""
        with self._lock:
            self._backlog.lose(count)
            self.open = False  # the next letter has to tell of them

    def tell_when_room(self, tell: Callable[[], None]) -> bool:
        """Whether it is full; then ``tell`` is called once, from any thread, when half is free."""
        with self._lock:
            if not self.full:
                return False
            self._tell.append(tell)
            return True

    def close(self) -> None:
        """Give up what waits, and all that comes. What is under way is not: see `abandon`."""
        with self._lock:
            self.pause()
            self._backlog.close()
            self._tell_all()

    def hand_over(self, untold: int) -> HandedOver:
        """Give away all that waits, and take nothing more; see `posts.Runner`. While it is held.

        ``untold`` events were lost that the observer was not told of.
        """
        with self._lock:
            self._backlog.lose_in_front(untold)
            handed = self._backlog.hand_over()
            self._tell_all()
            return handed._replace(dropped=handed.dropped + self._dropped)

    def inherit(self, dropped: int) -> None:
        """Count what an earlier one has dropped."""
        self._backlog.inherit(dropped)

    @property
    def full(self) -> bool:
        """Whether a lossless run has to wait before the next letter."""
        if self._backlog.closed:
            return False
        return len(self.under_way) >= self.window or self._backlog.waiting > 0

    @property
    def dropped(self) -> int:
        """How many letters were given up."""
        return self._backlog.dropped + self._dropped

    @property
    def waiting(self) -> int:
        """How many letters are not done."""
        return self._backlog.waiting + len(self.under_way)

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is under way."""
        return not self.waiting

    @property
    def closed(self) -> bool:
        """Whether nothing will ever come of it any more."""
        return self._backlog.closed

    # For its shard, with the lock held.

    def queue(self, letter: Letter, *, waited: bool = False) -> None:
        """Add a letter that cannot go straight."""
        self.open = False
        self._backlog.put(letter, waited=waited)
        if self._up:
            self.fill()

    def begin(self) -> None:
        """A shard is there: let what waits go."""
        if not self._backlog.closed and not self.held:
            self._up = True
            self.fill()
            self._tell_of_room()  # the only letter may have died with the shard before this one

    def fill(self) -> None:
        """Put on their way as many as there is room for."""
        while len(self.under_way) < self.window and self._dispatch_one():
            pass
        self.open = self._up and self._backlog.plain

    def send_up_to(self, number: int) -> None:
        """Put letters on their way up to and including this one, though no other may go yet."""
        while (first := self._backlog.first) is not None and first <= number:
            self._dispatch_one()

    def done(self, numbers: list[int]) -> None:
        """Forget letters that are done, and send others.

        :raises KeyError: one was not under way.
        """
        under_way = self.under_way
        for number in numbers:
            reply = under_way.pop(number).reply
            if reply is not None:
                reply.given_up()  # unless it was told: the first one counts, and somebody waits for one
        if not self.open and self._up:
            self.fill()
        self._tell_of_room()

    def hold(self) -> None:
        """Put nothing on its way, whoever is there, until `let_go`."""
        self.held = True
        self.pause()

    def let_go(self) -> None:
        """Undo a `hold`; `begin` is next, if a shard is there."""
        self.held = False

    def pause(self) -> None:
        """The shard is gone, or goes: nothing is put on its way any more."""
        self.open = self._up = False

    def recall(self, lost: int) -> None:
        """The shard is gone: what was under way waits again, in its place.

        ``lost`` events the observer had not been told of.
        """
        self.pause()
        letters = list(self.under_way.values())
        self.under_way = {}
        if lost and letters:
            letters[0] = letters[0]._replace(lost=letters[0].lost + lost)
        elif lost:
            self._backlog.lose_in_front(lost)
        for letter in reversed(letters):
            self._backlog.put_back(letter)

    def abandon(self) -> None:
        """Give up what is under way, too."""
        under_way, self.under_way = self.under_way, {}
        self._dropped += len(under_way)
        for letter in under_way.values():
            key: tuple[str, DropReason] = letter.frame.hook, "closing"
            self._drops[key] = self._drops.get(key, 0) + 1
            if letter.reply is not None:
                letter.reply.given_up()

    def _dispatch_one(self) -> bool:
        letter = self._backlog.take()
        if letter is None:
            return False
        self.under_way[letter.number] = letter
        self._send(letter)
        return True

    def _tell_of_room(self) -> None:
        if self._tell and len(self.under_way) <= self.window // 2 and not self._backlog.waiting:
            self._tell_all()

    def _tell_all(self) -> None:
        tell, self._tell = self._tell, []
        for each in tell:
            each()
