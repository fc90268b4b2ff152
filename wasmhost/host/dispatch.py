"""Which observer hears which event: into whose mailboxes it goes, numbered and counted."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from wasmhost.contract.codec import Decoded, Frame, encode_event
from wasmhost.contract.hooks import EARLY_HOOKS, HOOK_BY_NAME
from wasmhost.grants.views import Views
from wasmhost.host.gaps import GapTracker
from wasmhost.host.mailbox import Letter
from wasmhost.host.posts import Hearer
from wasmhost.host.reply import LoopReply
from wasmhost.host.tally import EventTally

if TYPE_CHECKING:
    from wasmhost.contract.records import Payload, RuntimeContext
    from wasmhost.host.posts import Post, Runner
    from wasmhost.host.tally import Gone

OTHER_HOOK: Final = "other"
"""How all hooks are counted that nobody knows."""
LOCAL: Final = "local"
"""The source of what this process's own node emits."""

_tuple: Final = tuple.__new__  # how a NamedTuple is made, without the call in between


class Dispatcher:
    """Puts each event into the mailboxes of those who hear its hook. Safe from any thread.

    One lock covers numbering and putting, so that every observer gets a source's events in the order
    of their numbers, whichever threads they come from.
    """

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self._hearers: list[Hearer] = []  # of each post
        self._posts_of: dict[str, list[Post]] = {}
        self._hearers_of: dict[str, list[Hearer]] = {}
        self._disguised: set[str] = set()  # hooks that somebody hears who has a profile
        self._lock = threading.Lock()
        self._seq = 0
        self._gaps = GapTracker()
        self._tally = EventTally()

    def add(self, post: Post, through: Hearer | None = None, gone: Gone | None = None) -> None:
        """Let an observer hear, from the next event on; ``through`` one that puts events for several.

        ``gone`` is what an earlier one of its name left with.
        """
        with self._lock:
            total = self._tally.total
            unheard = total if gone is None else gone.unheard + total - gone.events
            self._join(post, through, len(self.posts), unheard)

    def remove(self, post: Post) -> Gone:
        """Let an observer hear no more; what waits for it, waits on."""
        with self._lock:
            self._leave(post)
            return self._tally.leave(post.runner.name, post.runner.hooks)

    def replace(self, old: Post, new: Post, through: Hearer | None = None) -> None:
        """Let one observer take another's place, between two events.

        Nobody serves the old one now. What waits for it the new one gets, but for what it has no hook for.
        """
        with self._lock:
            gone = self._tally.leave(old.runner.name, old.runner.hooks)
            place = self._leave(old)
            handed = old.runner.hand_over()
            hooks = new.runner.hooks
            foreign = [letter for letter in handed.letters if letter.frame.hook not in hooks]
            mailbox = new.runner.mailbox
            mailbox.inherit(handed.dropped)
            self._join(new, through, place, gone.unheard + len(foreign))
            for letter in handed.letters:
                if letter.frame.hook in hooks:
                    if mailbox.put(letter, waited=True):
                        new.call()
                    continue
                mailbox.lose(letter.lost)
                if letter.reply is not None:
                    letter.reply.done()
            mailbox.lose(handed.lost)

    def _join(self, post: Post, through: Hearer | None, place: int, unheard: int) -> None:
        self.posts = [*self.posts[:place], post, *self.posts[place:]]
        self._hearers.insert(place, through or Hearer(post.runner.mailbox.put, post.call))
        self._tally.join(post.runner.name, post.runner.hooks, unheard)
        post.join()
        self._sort()

    def _leave(self, post: Post) -> int:
        place = next(place for place, each in enumerate(self.posts) if each.runner is post.runner)
        self.posts = [*self.posts[:place], *self.posts[place + 1 :]]
        del self._hearers[place]
        self._sort()
        post.leave()
        return place

    def _sort(self) -> None:
        """Sort out anew who hears which hook."""
        posts_of: dict[str, list[Post]] = {}
        hearers_of: dict[str, list[Hearer]] = {}
        for post, hearer in zip(self.posts, self._hearers, strict=True):
            for hook in post.runner.hooks:
                posts_of.setdefault(hook, []).append(post)
                hearers = hearers_of.setdefault(hook, [])
                if hearer not in hearers:
                    hearers.append(hearer)
        self._posts_of, self._hearers_of = posts_of, hearers_of
        disguised = [post.runner.hooks for post in self.posts if post.profile is not None]
        self._disguised = set().union(*disguised)

    def hearing(self, frame: Frame) -> list[Post]:
        """Return whose mailboxes an event will go into."""
        return self._posts_of.get(frame.hook, []) if _is_heard(frame) else []

    @property
    def events(self) -> int:
        """All events so far."""
        return self._tally.total

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
                if post.runner.mailbox.put(Letter(frame, self._tally.total, 0, reply, views)):
                    post.call()
        return replies

    def note_taken(self, frame: Frame) -> None:
        """Note an event that was dispatched elsewhere: nothing is missing up to it."""
        with self._lock:
            self._gaps.lost_before(frame.src or "", frame.seq)

    def pass_on(self, frame: Frame) -> None:
        """Dispatch an event from a source."""
        if frame.hook not in HOOK_BY_NAME:  # nobody hears it, and a source may name as many as it likes
            frame = frame._replace(hook=OTHER_HOOK)
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
        letter = _tuple(
            Letter, (frame, self._tally.total, 0, None, views, False)
        )  # shared: nobody changes it
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
        hook, tally = frame.hook, self._tally
        tally.total += 1
        tally.of[hook] += 1
        if not frame.has_ctx and not _is_heard(frame):
            tally.contextless[hook] += 1
            return False
        if to is not None:
            tally.addressed[hook, to] += 1
        return True

    def unheard(self, runner: Runner) -> int:
        """Count the events that never went into a runner's mailbox.

        They were not of its hooks, had no context, were meant for another, or came before it was there.
        """
        with self._lock:
            return self._tally.unheard(runner.name, runner.hooks)


def _is_heard(frame: Frame) -> bool:
    return frame.has_ctx or frame.hook in EARLY_HOOKS
