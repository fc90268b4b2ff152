"""What an emitter holds until the host has it: bounded, ordered, counted. No socket, no clock, no thread."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal

from wasmhost.contract.encode import Unnumbered, numbered
from wasmhost.contract.scan import MAX_EVENT_BYTES
from wasmhost.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an emitter holds, and what it gives up when that is not enough.

    ``events`` and ``size`` (bytes of CBOR) bound all that the host has not acknowledged; half of each may
    be on its way at a time. Beyond them, ``drop`` says whether the oldest event that was never sent makes
    room for the new one, or the new one is dropped.
    """

    events: int = 16_384
    size: int = 8 * 1024 * 1024
    drop: Literal["oldest", "newest"] = "oldest"

    def __post_init__(self) -> None:
        if self.events < 2:
            raise ConfigError(f"an emitter holds at least 2 events, not {self.events}")
        if self.size < 2 * MAX_EVENT_BYTES:
            raise ConfigError(f"an emitter holds at least {2 * MAX_EVENT_BYTES} bytes, not {self.size}")
        if self.drop not in {"oldest", "newest"}:
            raise ConfigError(f'an emitter drops the "oldest" or the "newest" event, not "{self.drop}"')


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the events of an emitter: emitted = delivered + dropped + pending, at any instant.

    ``delivered``: the host acknowledged them. ``dropped``: given up, for want of room or at the end.
    ``pending``: neither yet. ``reconnects``: connections the host answered on, after the first.
    """

    emitted: int
    delivered: int
    dropped: int
    pending: int
    reconnects: int


class Buffer:
    """The events of one emitter between emitted and acknowledged.

    An event's ``seq`` is how many were emitted before it, dropped ones included: a gap tells the host what
    it missed. What was sent at least once is never dropped for room: the host may have it, and only its
    next answer tells. So after a broken connection it is sent again, and waits for that answer.
    """

    def __init__(self, limits: Limits) -> None:
        self.emitted = 0
        self.delivered = 0
        self.dropped = 0
        self.newest_sent = -1
        self._limits = limits
        self._size = 0  # bytes of all that is pending
        self._fresh: deque[tuple[int, bytes]] = deque()  # never sent
        self._tried: deque[tuple[int, bytes]] = deque()  # sent, on this connection or one before
        self._tried_size = 0
        self._again: deque[tuple[int, bytes]] = deque()  # the end of _tried: not yet sent on this one
        self._closed = False

    @property
    def pending(self) -> int:
        """How many events are neither acknowledged nor dropped."""
        return len(self._fresh) + len(self._tried)

    @property
    def unsent(self) -> int:
        """How many of them have not been sent on this connection."""
        return len(self._fresh) + len(self._again)

    def put(self, event: Unnumbered) -> None:
        """Take an event, and number it; whatever there is no room for is dropped."""
        seq = self.emitted
        self.emitted += 1
        if self._closed:
            self.dropped += 1
            return
        data = numbered(event, seq)
        size = len(data)
        limits = self._limits
        if self.pending >= limits.events or self._size + size > limits.size:
            if limits.drop == "newest" or self._tried_size + size > limits.size or not self._fresh:
                self.dropped += 1
                return
            self._make_room(size)
        self._fresh.append((seq, data))
        self._size += size

    def _make_room(self, size: int) -> None:
        while self.pending >= self._limits.events or self._size + size > self._limits.size:
            _, oldest = self._fresh.popleft()
            self._size -= len(oldest)
            self.dropped += 1

    def take(self, most: int) -> list[bytes]:
        """Give what is to be sent next, in order: about ``most`` bytes; none while enough is on its way."""
        taken: list[bytes] = []
        size = 0
        again = self._again
        while again and size < most:
            _, data = again.popleft()
            taken.append(data)
            size += len(data)
        if again:
            return taken
        fresh, tried = self._fresh, self._tried
        room = min(len(fresh), self._limits.events // 2 - len(tried))
        most = min(most - size, self._limits.size // 2 - self._tried_size)
        size = 0
        while room > 0 and size < most:
            entry = fresh.popleft()
            tried.append(entry)
            taken.append(entry[1])
            size += len(entry[1])
            room -= 1
        self._tried_size += size
        if tried:
            self.newest_sent = tried[-1][0]
        return taken

    def acknowledge(self, seq: int) -> int:
        """Note that the host has taken all up to ``seq``; of how many events that is news."""
        tried = self._tried
        before = len(tried)
        freed = 0
        while tried and tried[0][0] <= seq:
            freed += len(tried.popleft()[1])
        while self._again and self._again[0][0] <= seq:
            self._again.popleft()
        self._tried_size -= freed
        self._size -= freed
        news = before - len(tried)
        self.delivered += news
        return news

    def rewind(self) -> None:
        """Note that the connection is gone: what was not acknowledged is to be sent again."""
        self._again = self._tried.copy()

    def close(self) -> None:
        """Give up what is pending, and all that is still to come."""
        self._closed = True
        self.dropped += self.pending
        self._fresh.clear()
        self._tried.clear()
        self._again.clear()
        self._size = self._tried_size = 0
