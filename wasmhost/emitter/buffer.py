"""What an emitter holds until the host has it: bounded, ordered, counted. No socket, no clock, no thread."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Literal, NamedTuple

from wasmhost.contract.encode import Unnumbered, numbered
from wasmhost.contract.scan import MAX_EVENT_BYTES
from wasmhost.contract.sequence import Splitter
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


class _Batch(NamedTuple):
    """Events that were sent together, numbered from ``first`` to ``last`` without a gap."""

    first: int
    last: int
    data: bytes


class Buffer:
    """The events of one emitter between emitted and acknowledged.

    An event's ``seq`` is how many were emitted before it, dropped ones included: a gap tells the host what
    it missed. What was sent at least once is never dropped for room: the host may have it, and only its
    next answer tells. So after a broken connection it is sent again, and waits for that answer.

    What is done to every event is little, for it is done in the node's time: it gets its number when it is
    sent, and from then on only its batch is looked at.
    """

    def __init__(self, limits: Limits) -> None:
        self.emitted = 0
        self.delivered = 0
        self.dropped = 0
        self.newest_sent = -1
        self._most = limits.events
        self._most_bytes = limits.size
        self._drops_oldest = limits.drop == "oldest"
        self._size = 0  # bytes of all that is held
        self._fresh: deque[Unnumbered | int] = deque()  # never sent; a number: so many are missing here
        self._next = 0  # the number of the first of them
        self._missing = 0  # dropped behind the last of them
        self._tried: deque[_Batch] = deque()  # sent, on this connection or one before
        self._tried_size = 0
        self._under_way = 0  # events in them that are not acknowledged
        self._again: deque[_Batch] = deque()  # the end of _tried: not yet sent on this connection
        self._acknowledged = -1

    @property
    def pending(self) -> int:
        """How many events are neither delivered nor dropped."""
        return self.emitted - self.delivered - self.dropped

    @property
    def unsent(self) -> bool:
        """Whether some of them have not been sent on this connection."""
        return bool(self._fresh or self._again)

    def put_all(self, arrived: deque[Unnumbered]) -> None:
        """Take events out of ``arrived``, until it is empty; whatever there is no room for is dropped."""
        while arrived:
            event = arrived.popleft()
            size = len(event[0]) + len(event[1])
            if (
                self.emitted - self.delivered - self.dropped < self._most
                and self._size + size <= self._most_bytes
            ) or self._made_room(size):
                if self._missing:
                    self._fresh.append(self._missing)
                    self._missing = 0
                self._fresh.append(event)
                self._size += size
            else:
                self._missing += 1
                self.dropped += 1
            self.emitted += 1

    def _made_room(self, size: int) -> bool:
        """Drop the oldest that were never sent, where the policy is so and it helps."""
        if not (self._drops_oldest and self._fresh and self._tried_size + size <= self._most_bytes):
            return False
        while self.pending >= self._most or self._size + size > self._most_bytes:
            oldest = self._fresh.popleft()
            if isinstance(oldest, int):
                self._next += oldest
                continue
            self._next += 1
            self._size -= len(oldest[0]) + len(oldest[1])
            self.dropped += 1
        return True

    def take(self, most: int) -> bytes:
        """Give what is to be sent next, about ``most`` bytes; nothing while enough is on its way."""
        if self._again:
            return self._rest(self._again.popleft())
        room = self._most // 2 - self._under_way
        most = min(most, self._most_bytes // 2 - self._tried_size)
        fresh, taken, size, seq = self._fresh, list[bytes](), 0, self._next
        while fresh and len(taken) < room and size < most:
            event = fresh.popleft()
            if isinstance(event, int):
                if taken:
                    fresh.appendleft(event)
                    break
                seq += event
                continue
            taken.append(numbered(event, seq))
            size += len(event[0]) + len(event[1])
            seq += 1
        self._next = seq
        if not taken:
            return b""
        data = b"".join(taken)
        self._tried.append(_Batch(seq - len(taken), seq - 1, data))
        self._under_way += len(taken)
        self._tried_size += len(data)
        self._size += len(data) - size
        self.newest_sent = seq - 1
        return data

    def _rest(self, batch: _Batch) -> bytes:
        """What of a batch has not been acknowledged: another host must not get the rest of it twice."""
        done = self._acknowledged + 1 - batch.first
        return batch.data if done <= 0 else batch.data[Splitter().push(batch.data)[done].offset :]

    def acknowledge(self, seq: int) -> int:
        """Note that the host has taken all up to ``seq``; of how many events that is news."""
        news = 0
        tried = self._tried
        while tried and seq > self._acknowledged:
            batch = tried[0]
            begin = max(batch.first, self._acknowledged + 1)
            end = min(batch.last, seq)
            if end < begin:
                break  # it is a number between two batches
            news += end + 1 - begin
            self._acknowledged = end
            if end == batch.last:
                tried.popleft()
                self._tried_size -= len(batch.data)
                self._size -= len(batch.data)
        while self._again and self._again[0].last <= seq:
            self._again.popleft()
        self.delivered += news
        self._under_way -= news
        return news

    def rewind(self) -> None:
        """Note that the connection is gone: what was not acknowledged is to be sent again."""
        self._again = self._tried.copy()

    def close(self) -> None:
        """Give up what is pending, and all that is still to come."""
        self._most = 0
        self.dropped += self.pending
        self._size = self._tried_size = self._under_way = 0
        for held in (self._fresh, self._tried, self._again):
            held.clear()
