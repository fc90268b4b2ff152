"""Which observer hears which event: into whose mailboxes it goes, numbered and counted."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from wasmhost.contract.codec import Decoded, Frame, encode_event
from wasmhost.contract.hooks import EARLY_HOOKS
from wasmhost.grants.views import Views
from wasmhost.host.gaps import GapTracker
from wasmhost.host.mailbox import Letter
from wasmhost.host.reply import LoopReply

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.contract.records import Payload, RuntimeContext
    from wasmhost.grants.profiles import Profile
    from wasmhost.host.counters import ObserverSummary

LOCAL: Final = "local"
"""The source of what this process's own node emits."""

_tuple: Final = tuple.__new__  # how a NamedTuple is made, without the call in between


class Letterbox(Protocol):
    """What of `Mailbox` whoever gives an observer its events needs to know."""

    @property
    def dropped(self) -> int:
        """See `Mailbox`, as for all of these."""
        ...

    @property
    def full(self) -> bool:
        """Whether the next letter would find no room."""
        ...

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is served."""
        ...

    @property
    def waiting(self) -> int:
        """How many letters wait."""
        ...

    def put(self, letter: Letter) -> bool:
        """Add a letter; True when somebody must now be called to serve."""
        ...

    def lose(self, count: int) -> None:
        """Note that events were lost on the way here."""
        ...

    def tell_when_room(self, tell: Callable[[], None]) -> bool:
        """Whether it is full; then ``tell`` is called when there is room."""
        ...

    def close(self) -> None:
        """Give up all that waits, and all that comes."""
        ...


class Runner(Protocol):
    """An observer at its place in the host."""

    name: str
    hooks: frozenset[str]

    @property
    def mailbox(self) -> Letterbox:
        """Where its events go."""
        ...

    def summary(self, unheard: int) -> ObserverSummary:
        """Make its line in the summary; ``unheard`` events never went into its mailbox."""
        ...

    def close(self) -> None:
        """Free what it holds, and give up what waits."""
        ...


class Post(NamedTuple):
    """A runner, and how to call somebody to serve it, which never raises.

    ``profile``: what it may see of its events; None for all there is.
    """

    runner: Runner
    call: Callable[[], None]
    profile: Profile | None = None


class Hearer(NamedTuple):
    """Where an event is put, for one observer or several at once; if that says so, somebody is called."""

    put: Callable[[Letter], bool]
    call: Callable[[], None]


class Dispatcher:
    """Puts each event into the mailboxes of those who hear its hook. Safe from any thread.

    One lock covers numbering and putting, so that every observer gets a source's events in the order
    of their numbers, whichever threads they come from.
    """

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self._posts_of: dict[str, list[Post]] = {}
        self._hearers_of: dict[str, list[Hearer]] = {}
        self._disguised: set[str] = set()  # hooks that somebody hears who has a profile
        self._lock = threading.Lock()
        self._number = 0
        self._seq = 0
        self._gaps = GapTracker()
        # By hook: all events, and those not delivered for want of a context.
        self._events: Counter[str] = Counter()
        self._contextless: Counter[str] = Counter()
        # By hook and observer: events meant for that one only.
        self._addressed: Counter[tuple[str, str]] = Counter()

    def add(self, post: Post, through: Hearer | None = None) -> None:
        """Let an observer hear, from the next event on; ``through`` one that puts events for several."""
        hearer = through or Hearer(post.runner.mailbox.put, post.call)
        with self._lock:
            self.posts.append(post)
            for hook in post.runner.hooks:
                self._posts_of.setdefault(hook, []).append(post)
                hearers = self._hearers_of.setdefault(hook, [])
                if hearer not in hearers:
                    hearers.append(hearer)
                if post.profile is not None:
                    self._disguised.add(hook)

    def hearing(self, frame: Frame) -> list[Post]:
        """Return whose mailboxes an event will go into."""
        return self._posts_of.get(frame.hook, []) if _is_heard(frame) else []

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
            frame = self._frame(hook, at, ctx, payload)
            self._dispatch(frame, 0, to, self._views(frame, ctx, payload))

    def originate_awaited(
        self, hook: str, at: int, ctx: RuntimeContext, payload: Payload | None, to: str | None = None
    ) -> list[tuple[str, LoopReply]]:
        """Do the same for a lifecycle hook whose results are awaited: a reply for each who hears it."""
        replies: list[tuple[str, LoopReply]] = []
        with self._lock:
            frame = self._frame(hook, at, ctx, payload)
            views = self._views(frame, ctx, payload)
            self._count(frame, to)
            for post in self._addressed_by(hook, to):
                reply = LoopReply(hook)
                replies.append((post.runner.name, reply))
                if post.runner.mailbox.put(Letter(frame, self._number, 0, reply, views)):
                    post.call()
        return replies

    def pass_on(self, frame: Frame) -> None:
        """Dispatch an event from a source."""
        with self._lock:
            views = Views(frame) if frame.hook in self._disguised else None
            self._dispatch(frame, self._gaps.lost_before(frame.src or "", frame.seq), None, views)

    def _frame(self, hook: str, at: int, ctx: RuntimeContext | None, payload: Payload | None) -> Frame:
        data = encode_event(hook, self._seq, at, ctx, payload)
        frame = _tuple(Frame, (hook, self._seq, at, LOCAL, ctx is not None, data))
        self._seq += 1
        return frame

    def _views(self, frame: Frame, ctx: RuntimeContext | None, payload: Payload | None) -> Views | None:
        """Keep the records that a frame was made of, where its event will be shown in disguise."""
        if frame.hook not in self._disguised:
            return None
        return Views(frame, _tuple(Decoded, (frame.hook, frame.seq, frame.at, None, ctx, payload)))

    def _dispatch(self, frame: Frame, lost: int, to: str | None, views: Views | None) -> None:
        if lost:
            for post in self.posts:
                post.runner.mailbox.lose(lost)
        if not self._count(frame, to):
            return
        letter = _tuple(Letter, (frame, self._number, 0, None, views, False))  # shared: nobody changes it
        if to is None:
            for put, call in self._hearers_of.get(frame.hook, ()):
                if put(letter):
                    call()
            return
        for post in self._addressed_by(frame.hook, to):
            if post.runner.mailbox.put(letter):
                post.call()

    def _addressed_by(self, hook: str, to: str | None) -> list[Post]:
        posts = self._posts_of.get(hook, [])
        return posts if to is None else [post for post in posts if post.runner.name == to]

    def _count(self, frame: Frame, to: str | None) -> bool:
        """Count an event, and tell whether anybody may hear it."""
        hook = frame.hook
        self._number += 1
        self._events[hook] += 1
        if not frame.has_ctx and not _is_heard(frame):
            self._contextless[hook] += 1
            return False
        if to is not None:
            self._addressed[hook, to] += 1
        return True

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
