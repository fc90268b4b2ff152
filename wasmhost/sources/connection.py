"""One connection of a node: what is read of it, and for what it is refused."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final

from wasmhost.contract.codec import Frame, Hello
from wasmhost.contract.schema import RejectedEvent
from wasmhost.errors import SourceError
from wasmhost.sources.answers import WELCOME, acknowledged, refused
from wasmhost.sources.base import Rejected, SourceItem
from wasmhost.sources.frames import FrameReader
from wasmhost.sources.pace import Pace
from wasmhost.sources.reason import reason
from wasmhost.sources.replies import NOT_NOW, Replies

if TYPE_CHECKING:
    import socket

    from wasmhost.sources.hall import Hall
    from wasmhost.sources.srcs import Src

PORTION: Final = 16_384
"""Bytes read of one connection before it is the next one's turn, at most."""
PIECE: Final = 2_048
MANY_ITEMS: Final = 256
"""Of a portion, after so many items no other piece is looked at in this turn. An item costs microseconds,
however small it is: a portion of zeros is thousands, where one of events is some sixty."""
BEFORE_HELLO: Final = 4096
"""Bytes of an item, before it is known who speaks."""
LAST_BYTES: Final = 1024 * 1024
"""About how much more is read of one connection after stop(): a node that never pauses can't hold us."""
LARGEST_SKIPPED: Final = 1024 * 1024
"""An item that is larger than an event may be is passed over; one larger than this ends its connection."""
LONGEST_SRC: Final = 255
LINGER_S: Final = 1.0
"""How long one that was refused may take to read why."""


class Connection:
    """Reads one node's stream, a portion in each of its turns. ``name`` is its source without a hello.

    A turn is :meth:`read`, and :meth:`settle` when what that gave was taken. ``waits`` and ``rests`` are
    for who gives the turns. ``greeted``: it said who it is, as far as it was asked. ``stopping``: what
    has come until now is all that is wanted. ``hung_up``: it will send no more. ``over``: the socket is to
    be closed.
    """

    __slots__ = (
        *(
            "_answered",
            "_begun",
            "_debt",
            "_discarded",
            "_ended_early",
            "_frames",
            "_hall",
            "_late",
            "_owner",
        ),
        *("_pace", "_parting_since", "_refusal", "_replies", "_since", "_socket", "_src"),
        *(
            "_filled",
            "_in_records",
            "_unread",
            "greeted",
            "hung_up",
            "more",
            "over",
            "rests",
            "stopping",
            "waits",
        ),
    )

    def __init__(self, connection: socket.socket, name: str, hall: Hall) -> None:
        settings = hall.settings
        self._socket = connection
        self._hall = hall
        self._frames = FrameReader(name, self._greet, max_item_bytes=settings.item_kib * 1024)
        self._replies = Replies(connection, self._writing)
        self._since = hall.clock()  # of the latest step: the handshake, or an item
        self._pace = Pace(settings.events_s, settings.kib_s * 1024, self._since)
        self._owner: str | None = None  # None: not known yet, there may be a handshake to do
        self._src: Src | None = None  # what it wants acknowledged
        self._answered = -1
        self._begun: float | None = None  # when the item began that is not complete
        self._debt = 0.0  # seconds
        self._refusal: str | None = None
        self._ended_early: list[SourceItem] = []  # its end, where that was not read but decided
        self._parting_since: float | None = None
        self._discarded = 0
        self._unread = b""  # of the last portion
        self._filled = False  # whether that was all that there was room for
        self._late = 0
        self._in_records = isinstance(connection, ssl.SSLSocket)
        self.greeted = self.hung_up = self.more = self.over = self.rests = self.stopping = self.waits = False

    def fileno(self) -> int:
        """Return the number of its socket."""
        return self._socket.fileno()

    # Its turn.

    def read(self) -> list[SourceItem]:
        """Take a portion of what has come; return what that completes. ``more``: it may have sent more."""
        self.more = False
        if self._parting_since is not None:
            self._discard()
            self.over = self.over or self.stopping
        if self._frames.ended is not None:
            ended, self._ended_early = self._ended_early, []
            return ended
        try:
            chunk = self._receive()
        except SourceError as error:
            return self._refused(str(error))
        except OSError as error:
            if self._owner is None:
                self._hall.counts.refused["handshake"] += 1
            return self._frames.finish(failure=reason(error))
        if chunk is None:
            return self._frames.cut() if self.stopping else []
        if not chunk:
            return self._frames.finish()
        items = self._taken_in(chunk)
        # What is short was all there is, or news of more will come: but for TLS, where it was one record, and
        # for one that has hung up, as there will be no news.
        left = self._filled or bool(self._unread)
        self.more = left or self.hung_up or self._in_records or self.stopping
        return items

    def settle(self) -> float:
        """Note that what :meth:`read` gave was taken; returns for how many seconds to read no more."""
        src = self._src
        if src is not None and src.taken != src.seen and src.speaker is self:
            src.taken = src.seen
            self._hall.answer_due(self)
        if self._frames.ended is not None and self._parting_since is None and not self.over:
            self._leave()
        debt, self._debt = self._debt, 0.0
        return 0.0 if self.stopping or self._frames.ended is not None else debt

    def _receive(self) -> bytes | None:
        """Return the next bytes, b"" at the end of the connection, None where none are there yet."""
        if self._unread:
            chunk, self._unread = self._unread, b""
            return chunk
        if self._late >= LAST_BYTES:
            return None
        try:
            if self._owner is None:
                self._owner = self._hall.door.identify(self._socket)
                self._since = self._hall.clock()
                self.greeted = self._hall.tokens is None
            chunk = self._socket.recv(PORTION)
        except NOT_NOW:
            return None
        self._filled = len(chunk) == PORTION
        if self.stopping:
            self._late += PORTION
        return chunk

    def _taken_in(self, chunk: bytes) -> list[SourceItem]:
        frames = self._frames
        items: list[SourceItem] = []
        place = 0
        while place < len(chunk) and len(items) <= MANY_ITEMS:
            items += frames.push(chunk[place : place + PIECE])
            place += PIECE
        self._unread = chunk[place:]
        now = self._hall.clock()
        if items or self._begun is None:
            self._begun = now
        if items:
            self._since = now
        if not frames.pending:
            self._begun = None
        self._debt = self._pace.rest(len(items), min(place, len(chunk)), now)
        if frames.ended is not None:
            self._refusal = self._refusal or f"malformed: {frames.ended.error}"
        items = self._screened(items)
        largest = LARGEST_SKIPPED if self.greeted else BEFORE_HELLO
        if frames.ended is None and frames.pending > largest:
            items += self._refused(f"oversized: an item takes more than {largest} bytes")
        return items

    def _screened(self, items: list[SourceItem]) -> list[SourceItem]:
        """Leave out repetitions, and what is said in the name of somebody else."""
        src = self._src
        kept: list[SourceItem] = []
        source = self._frames.source
        for item in items:
            if isinstance(item, Frame):
                if item.src == source:
                    number: int | None = item.seq
                elif self._is_anothers(item.src):
                    kept.append(
                        Rejected(source, self._frames.offset, "its src belongs to another connection")
                    )
                    continue
                else:
                    number = None
            else:
                number = item.seq if isinstance(item, Rejected) else None
            if src is not None and number is not None:
                if number <= src.seen:
                    self._hall.counts.repeated += 1
                    continue
                src.seen = number
            kept.append(item)
        return kept

    def _is_anothers(self, name: str | None) -> bool:
        return name is not None and self._hall.srcs.belongs_to_another(name, self._owner or "")

    # Its hello.

    def _greet(self, hello: Hello | RejectedEvent | None) -> str | None:
        self._refusal = self._why_not(hello)
        return self._refusal

    def _why_not(self, hello: Hello | RejectedEvent | None) -> str | None:
        """Let the node in, or say why not."""
        if isinstance(hello, RejectedEvent):
            return f"hello: {hello.reason}"
        tokens = self._hall.tokens
        if hello is None:
            return None if tokens is None else "hello: one with a token must come first"
        size = len(hello.src.encode())
        if not 1 <= size <= LONGEST_SRC:
            return f"hello: src takes {size} bytes, and may take 1 to {LONGEST_SRC}"
        if tokens is not None:
            if hello.token is None:
                return "token: none is given, and this host asks for one"
            name = tokens.recognise(hello.token)
            if name is None:
                return "token: this host does not know it"
            self._owner = f"{self._owner} {name}"
        self.greeted = True
        if self._is_anothers(hello.src) or (hello.ack and not self._speaks_for(hello.src)):
            return "taken: this src is somebody else's"
        return None

    def _speaks_for(self, name: str) -> bool:
        self._src = src = self._hall.srcs.speak_for(name, self._owner or "", self)
        if src is None:
            return False
        self._answered = src.taken
        self._replies.say(WELCOME if src.taken < 0 else acknowledged(src.taken))
        return True

    # What it is told.

    def answer(self) -> None:
        """Acknowledge what was taken, if that is news and the last answer is out."""
        src = self._src
        if src is None or src.speaker is not self or src.taken <= self._answered:
            return
        if self._parting_since is None and self._replies.say(acknowledged(src.taken)):
            self._answered = src.taken

    def go_on_writing(self) -> None:
        """Write what could not be written before."""
        self._replies.go_on()
        self.answer()

    def _writing(self, wanted: bool) -> None:
        self._hall.writing(self, wanted)

    # Its end.

    def give_way(self) -> None:
        """Another connection speaks for its source from now on."""
        self._src = None
        self.refuse("replaced: another connection speaks for this src")

    def refuse(self, why: str) -> None:
        """End it, from outside of its turn."""
        if self._frames.ended is None:
            self._ended_early = self._refused(why)
            self._hall.turn_wanted(self)

    def _refused(self, why: str) -> list[SourceItem]:
        self._refusal = why
        return [self._frames.refuse(why)]

    def overdue(self, now: float) -> str | None:
        """Say what it has not done in time; None where there is nothing, or it has itself to wait for us."""
        settings = self._hall.settings
        if self._parting_since is not None:
            self.over = self.over or now - self._parting_since > LINGER_S
        if self._frames.ended is not None or self.waits or self.rests:
            return None
        if not self.greeted and now - self._since > settings.hello_s:
            return f"slow: no hello within {settings.hello_s:g} s"
        if self._begun is not None and now - self._begun > settings.hello_s:
            return f"slow: the rest of an item did not come within {settings.hello_s:g} s"
        if settings.idle_s and now - self._since > settings.idle_s:
            return f"idle: no event for {settings.idle_s:g} s"
        return None

    def _leave(self) -> None:
        """Say the last word."""
        self.answer()
        if self._refusal is None:
            self._replies.hang_up()
            self._discard()
            self.over = True
            return
        self._hall.counts.refused[self._refusal.partition(":")[0]] += 1
        if self._owner is None and self._in_records:  # no handshake, no way to tell it
            self.over = True
            return
        self._replies.say(refused(self._refusal))
        self._replies.hang_up()
        self._parting_since = self._hall.clock()
        self._discard()
        self.over = self.over or self.stopping

    def _discard(self) -> None:
        """Read on without listening: closed with something unread, the last word would be lost."""
        try:
            while chunk := self._socket.recv(PORTION):
                self._discarded += len(chunk)
                if self._discarded > LAST_BYTES:
                    break
            self.over = True
        except NOT_NOW:
            return
        except OSError:
            self.over = True

    def close(self) -> None:
        """Close the socket."""
        if self._src is not None:
            self._hall.srcs.leave(self._src, self)
        self._socket.close()
