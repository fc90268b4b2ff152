"""Which observer hears which event: into whose mailboxes it goes, numbered and counted."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from wasmhost.contract.codec import Frame, encode_event
from wasmhost.contract.hooks import EARLY_HOOKS
from wasmhost.host.gaps import GapTracker
from wasmhost.host.mailbox import Letter
from wasmhost.host.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.contract.records import Payload, RuntimeContext
    from wasmhost.host.counters import ObserverSummary
    from wasmhost.host.mailbox import Mailbox

LOCAL: Final = "local"
"""The source of what this process's own node emits."""

_tuple: Final = tuple.__new__  # how a NamedTuple is made, without the call in between


class Runner(Protocol):
    """An observer at its place in the host."""

    name: str
    hooks: frozenset[str]
    mailbox: Mailbox

    def summary(self, unheard: int) -> ObserverSummary:
        """Make its line in the summary; ``unheard`` events never went into its mailbox."""
        ...

    def close(self) -> None:
        """Free what it holds, and give up what waits."""
        ...


class Post(NamedTuple):
    """A runner, and how to call somebody to serve it, which never raises."""

    runner: Runner
    call: Callable[[], None]


class Dispatcher:
    """Puts each event into the mailboxes of those who hear its hook. Safe from any thread.

    One lock covers numbering and putting, so that every observer gets a source's events in the order
    of their numbers, whichever threads they come from.
    """

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self._hearing: dict[str, list[Post]] = {}
        self._lock = threading.Lock()
        self._number = 0
        self._seq = 0
        self._gaps = GapTracker()
        # By hook: all events, and those not delivered for want of a context.
        self._events: Counter[str] = Counter()
        self._contextless: Counter[str] = Counter()
        # By hook and observer: events meant for that one only.
        self._addressed: Counter[tuple[str, str]] = Counter()

    def add(self, post: Post) -> None:
        """Let an observer hear, from the next event on."""
        with self._lock:
            self.posts.append(post)
            for hook in post.runner.hooks:
                self._hearing.setdefault(hook, []).append(post)

    def hearing(self, frame: Frame) -> list[Post]:
        """Return whose mailboxes an event will go into."""
        return self._hearing.get(frame.hook, []) if _is_heard(frame) else []

    @property
    def events(self) -> int:
        """All events so far."""
        return self._number

    def originate(
        self, hook: str, at: int, ctx: RuntimeContext | None, payload: Payload | None, to: str | None = None
    ) -> None:
        """Number, encode and dispatch an event of this process's own node; ``to`` one observer, or all.

        :raises RejectedEvent: a value in it cannot be encoded; nothing was dispatched then.
        """
        with self._lock:
            self._dispatch(self._frame(hook, at, ctx, payload), 0, to)

    def originate_awaited(
        self, hook: str, at: int, ctx: RuntimeContext, payload: Payload | None, to: str | None = None
    ) -> list[tuple[str, Reply]]:
        """Do the same for a lifecycle hook whose results are awaited: a reply for each who hears it."""
        replies: list[tuple[str, Reply]] = []
        with self._lock:
            frame = self._frame(hook, at, ctx, payload)
            for runner, call in self._count(frame, to):
                reply = Reply(hook)
                replies.append((runner.name, reply))
                if runner.mailbox.put(Letter(frame, self._number, 0, reply)):
                    call()
        return replies

    def pass_on(self, frame: Frame) -> None:
        """Dispatch an event from a source."""
        with self._lock:
            self._dispatch(frame, self._gaps.lost_before(frame.src or "", frame.seq), None)

    def _frame(self, hook: str, at: int, ctx: RuntimeContext | None, payload: Payload | None) -> Frame:
        data = encode_event(hook, self._seq, at, ctx, payload)
        frame = _tuple(Frame, (hook, self._seq, at, LOCAL, ctx is not None, data))
        self._seq += 1
        return frame

    def _dispatch(self, frame: Frame, lost: int, to: str | None) -> None:
        if lost:
            for runner, _call in self.posts:
                runner.mailbox.lose(lost)
        hearing = self._count(frame, to)
        if hearing:
            letter = _tuple(Letter, (frame, self._number, 0, None))  # shared: nobody changes it
            for runner, call in hearing:
                if runner.mailbox.put(letter):
                    call()

    def _count(self, frame: Frame, to: str | None) -> list[Post]:
        """Count an event, and give those whose mailboxes it goes into."""
        hook = frame.hook
        self._number += 1
        self._events[hook] += 1
        if not frame.has_ctx and not _is_heard(frame):
            self._contextless[hook] += 1
            return []
        hearing = self._hearing.get(hook, [])
        if to is None:
            return hearing
        self._addressed[hook, to] += 1
        return [post for post in hearing if post.runner.name == to]

    def unheard(self, runner: Runner) -> int:
        """Count the events that never went into a runner's mailbox.

        They were not of its hooks, had no context, or were meant for another.
        """
        hooks = runner.hooks
        with self._lock:
            others = sum(count for hook, count in self._events.items() if hook not in hooks)
            contextless = sum(count for hook, count in self._contextless.items() if hook in hooks)
            elsewhere = sum(
                count for (hook, to), count in self._addressed.items() if hook in hooks and to != runner.name
            )
        return others + contextless + elsewhere


def _is_heard(frame: Frame) -> bool:
    return frame.has_ctx or frame.hook in EARLY_HOOKS
