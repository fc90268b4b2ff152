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


class Runner(Protocol):
    """An observer at its place in the host."""

    name: str
    hooks: frozenset[str]
    mailbox: Mailbox

    def summary(self, unheard: int) -> ObserverSummary:
        """Its line in the summary; ``unheard`` events never went into its mailbox."""
        ...

    def close(self) -> None:
        """Free what it holds, and give up what waits."""
        ...


class Post(NamedTuple):
    """A runner, and how to call somebody to serve it."""

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
        self._events: Counter[str] = Counter()  # by hook
        self._contextless: Counter[str] = Counter()  # by hook: not delivered for want of a context

    def add(self, post: Post) -> None:
        """Let an observer hear, from the next event on."""
        with self._lock:
            self.posts.append(post)
            for hook in post.runner.hooks:
                self._hearing.setdefault(hook, []).append(post)

    def hearing(self, hook: str) -> list[Post]:
        """Who hears this hook."""
        return self._hearing.get(hook, [])

    @property
    def events(self) -> int:
        """All events so far."""
        return self._number

    def originate(
        self, hook: str, at: int, ctx: RuntimeContext | None, payload: Payload | None
    ) -> None:
        """Number, encode and dispatch an event of this process's own node.

        :raises RejectedEvent: a value in it cannot be encoded; nothing was dispatched then.
        """
        with self._lock:
            frame = self._frame(hook, at, ctx, payload)
            self._dispatch(frame, 0)

    def originate_awaited(
        self, hook: str, at: int, ctx: RuntimeContext, payload: Payload | None
    ) -> list[tuple[str, Reply]]:
        """The same for a lifecycle hook whose results are awaited: a reply for each who hears it."""
        with self._lock:
            frame = self._frame(hook, at, ctx, payload)
            self._count(frame)
            replies: list[tuple[str, Reply]] = []
            for runner, call in self.hearing(hook):
                reply = Reply(hook)
                replies.append((runner.name, reply))
                if runner.mailbox.put(Letter(frame, self._number, 0, reply)):
                    call()
            return replies

    def pass_on(self, frame: Frame) -> None:
        """Dispatch an event from a source."""
        with self._lock:
            self._dispatch(frame, self._gaps.lost_before(frame.src or "", frame.seq))

    def _frame(self, hook: str, at: int, ctx: RuntimeContext | None, payload: Payload | None) -> Frame:
        data = encode_event(hook, self._seq, at, ctx, payload)
        frame = Frame(hook, self._seq, at, LOCAL, ctx is not None, data)
        self._seq += 1
        return frame

    def _count(self, frame: Frame) -> None:
        self._number += 1
        self._events[frame.hook] += 1

    def _dispatch(self, frame: Frame, lost: int) -> None:
        self._count(frame)
        hook = frame.hook
        if lost:
            for runner, _call in self.posts:
                runner.mailbox.lose(lost)
        if not frame.has_ctx and hook not in EARLY_HOOKS:
            self._contextless[hook] += 1
            return
        hearing = self._hearing.get(hook)
        if hearing is None:
            return
        letter = Letter(frame, self._number)  # shared: nobody changes a letter
        for runner, call in hearing:
            if runner.mailbox.put(letter):
                call()

    def unheard(self, runner: Runner) -> int:
        """Events that never went into a runner's mailbox: not its hooks, or no context."""
        others = sum(count for hook, count in self._events.items() if hook not in runner.hooks)
        return others + sum(count for hook, count in self._contextless.items() if hook in runner.hooks)
