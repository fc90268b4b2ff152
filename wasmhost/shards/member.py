"""One observer inside a shard: a runner as in the host, with a mailbox and an outbox of this process."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

from wasmhost.host.counters import Counters
from wasmhost.host.mailbox import Mailbox
from wasmhost.host.runner import Condition, GuestRunner
from wasmhost.shards.framing import Kind
from wasmhost.shards.outbox import FULL, Outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.config import ObserverConfig
    from wasmhost.host.mailbox import Letter
    from wasmhost.sandbox.engine import SandboxEngine
    from wasmhost.sandbox.guest import Guest

    Send = Callable[..., None]

_NO_BOUND: Final = 1 << 32  # the host sends no more than it has room for
_MANY: Final = 128  # letters that are told as done together, where there are more


class NotedMailbox(Mailbox):
    """A mailbox that writes down which letter is in hand, where it outlives this process."""

    def __init__(self, current: memoryview, outbox: Outbox, flush: Callable[[], None]) -> None:
        """``flush`` sends what is in ``outbox``: before there is too much of it, and before a rest."""
        super().__init__(_NO_BOUND, "drop-newest")
        self.done: array[int] = array("Q")
        self._current = current
        self._outbox = outbox
        self._flush = flush

    def take(self) -> Letter | None:
        """See `Mailbox`; the letter is in hand now."""
        if not self.waiting or self._outbox.size >= FULL:
            # While we are on duty still: once we are off, another worker may have the next turn.
            self._current[0] = 0
            self._flush()
        letter = super().take()
        if letter is not None:
            self._current[0] = letter.number
            self.done.append(letter.number)
        return letter

    def put_back(self, letter: Letter) -> None:
        """See `Mailbox`; nothing is in hand now."""
        self.done.pop()
        self._current[0] = 0
        super().put_back(letter)

    def clear(self) -> None:
        """Forget all that waits."""
        with self._lock:
            self._letters.clear()

    def take_awaited(self) -> list[Letter]:
        """See `Mailbox`; they count as done."""
        taken = super().take_awaited()
        self.done.extend(letter.number for letter in taken)
        return taken


class Member:
    """Has turns (`scheduler.Task`), and sends what they left behind when it is much, or all is done."""

    def __init__(self, index: int, current: memoryview, state: bytes | None, send: Send, *, lossless: bool):
        """``current``: a place for one number; ``send`` sends a frame."""
        self.outbox = Outbox(index, current, state, lossless=lossless)
        self.mailbox = NotedMailbox(current, self.outbox, self.flush)
        self._current = current
        self._send = send
        self._runner: GuestRunner | None = None

    @property
    def runner(self) -> GuestRunner:
        """The runner; there is one once it was started."""
        assert self._runner is not None  # noqa: S101 - who asks has started it
        return self._runner

    def start(
        self, observer: ObserverConfig, engine: SandboxEngine, guest: Guest, panics: list[tuple[str, float]]
    ) -> None:
        """Start the guest; ``panics`` are those of earlier lives, see `GuestRunner.remember`.

        :raises GuestRefused: it would not start.
        """
        self._runner = GuestRunner(observer, engine, guest, self.outbox, self.mailbox)
        self._runner.remember(panics)

    def turn(self) -> float | bool:
        """Serve, and tell of it: here where there is more, and else before the mailbox is left."""
        more = self.runner.turn()
        if more is False:
            return False
        self._current[0] = 0
        if more is not True or len(self.mailbox.done) >= _MANY:
            self.flush()
        return more

    def crashed(self, error: BaseException) -> None:
        """Give up for good."""
        self.runner.crashed(error)
        self._current[0] = 0
        self.flush()

    def flush(self) -> None:
        """Send what there is to be told."""
        done, self.mailbox.done = self.mailbox.done, array("Q")
        runner = self._runner
        counters = runner.counters if runner is not None else Counters()
        condition = runner.condition() if runner is not None else Condition(False, (), (), 0)
        self._send(Kind.TURN, *self.outbox.take(done, counters, condition))

    def rest(self) -> None:
        """Tell all there is to be told; forget the letters that wait, as the host has them. Between turns."""
        self.mailbox.clear()
        self.runner.settle()
        self._current[0] = 0
        self.flush()

    def close(self) -> None:
        """Free the sandbox. When nobody serves it any more."""
        self.runner.close()
