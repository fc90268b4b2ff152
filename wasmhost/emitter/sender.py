"""The thread that brings events to the host: connect, write batches, read acknowledgements, try again."""

from __future__ import annotations

import random
import time
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final

from wasmhost.backoff import Backoff
from wasmhost.emitter.buffer import Buffer
from wasmhost.emitter.link import Link
from wasmhost.emitter.wire import Refused
from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.emitter.address import Address
    from wasmhost.emitter.gate import Gate

TICK_S: Final = 0.02
"""How long events gather into a batch. Each waking takes the interpreter from whoever emits."""
_LINGER_TICKS: Final = 50
_DOZE_S: Final = 5.0
_CHUNK: Final = 256 * 1024
_CONNECT_S: Final = 5.0
_ANSWER_S: Final = 10.0
_SILENCE_S: Final = 30.0
"""A host that owes an acknowledgement for that long is taken for gone."""
_RETRY_S: Final = (0.05, 10.0)
_REFUSED_S: Final = (5.0, 120.0)
_PASSING: Final = frozenset({"full", "slow", "idle"})
"""Words of a refusal that another try may well not meet."""


class Sender:
    """What runs in an emitter's thread. ``asleep``: whoever puts an event in is to call :meth:`wake`.

    It never is while events are being emitted: then it looks by itself, every `TICK_S`, and costs those
    who emit no system call.
    """

    def __init__(self, gate: Gate, address: Address, hello: bytes, tell: Callable[[str], None]) -> None:
        self.asleep = False
        self.reconnects = -1
        self._gate = gate
        self._address = address
        self._hello = hello
        self._tell = tell
        self._bell: SimpleQueue[None] = SimpleQueue()  # its put() never waits, not even for itself
        self._stop_at: float | None = None
        self._link: Link | None = None
        self._retry = Backoff(*_RETRY_S, random.Random())  # noqa: S311 - jitter
        self._refusal = Backoff(*_REFUSED_S, random.Random())  # noqa: S311 - jitter
        self._told: str | None = None

    def wake(self) -> None:
        """Have the thread look for events at once."""
        self.asleep = False
        self._bell.put(None)

    def stop(self, timeout: float) -> None:
        """Have it end as soon as nothing is pending, or ``timeout`` is over."""
        self._stop_at = time.monotonic() + timeout
        self.wake()

    def forget(self) -> None:
        """Let go of the connection: we are a forked child, and it is our parent's."""
        if self._link is not None:
            self._link.forget()

    def run(self) -> None:
        """Bring events to the host until :meth:`stop`."""
        while not self._finished():
            wait = self._attempt()
            self._gate.use(Buffer.rewind)
            if not self._finished():
                self._sleep(wait)

    def _attempt(self) -> float:
        """Connect, and stay as long as that lasts; how long to wait before the next time."""
        try:
            self._link = Link(self._address.connect(_CONNECT_S))
            try:
                self._greet(self._link)
                self._serve(self._link)
            finally:
                self._link.close()
                self._link = None
        except Refused as refusal:
            if refusal.word != "idle":  # which is nobody's trouble
                self._say(f"{self._address} refuses events: {refusal}")
            return (self._retry if refusal.word in _PASSING else self._refusal).failed()
        except OSError as error:
            self._say(f"cannot reach {self._address}: {_reason(error)}")
            return self._retry.failed()
        return 0.0

    def _greet(self, link: Link) -> None:
        """Say who we are, and wait until the host says what it has of us."""
        link.send(self._hello)
        give_up_at = time.monotonic() + _ANSWER_S
        while not self._heard(link):
            if time.monotonic() > give_up_at:
                raise TimeoutError("the host does not answer")
            if self._finished():
                return
            link.wait(TICK_S)
            link.push()
        self.reconnects += 1
        self._told = None
        self._refusal.succeeded()

    def _serve(self, link: Link) -> None:
        """Write what there is and read what has come, in turns."""
        heard_at = time.monotonic()
        quiet = 0
        while not self._finished():
            data = b""
            if link.clogged:
                link.push()
            else:
                data = self._gate.use(_next_batch)
                link.send(data)
            heard = self._heard(link)
            if len(data) >= _CHUNK and not link.clogged:
                continue  # there is more
            pending, unsent = self._gate.use(_what_waits)
            now = time.monotonic()
            if heard or not pending:
                heard_at = now
            elif now - heard_at > _SILENCE_S:
                raise TimeoutError("the host acknowledges nothing any more")
            quiet = 0 if pending else quiet + 1
            if link.clogged or (unsent and not data) or (pending and self._stop_at is not None):
                link.wait(TICK_S)  # for room, or for an acknowledgement that makes some
            elif quiet < _LINGER_TICKS:
                self._sleep(TICK_S)
            else:
                self._doze()

    def _heard(self, link: Link) -> bool:
        """Take the answers that have come; whether there were any."""
        heard = False
        for answer in link.receive():
            heard = True
            if answer.seq is not None and self._gate.use(partial(_acknowledge, answer.seq)):
                self._retry.succeeded()
        return heard

    def _doze(self) -> None:
        """Wait until somebody emits; now and then see whether the host is still there."""
        self._retry.succeeded()  # the connection lasts
        self.asleep = True
        if self._gate.use(_what_waits) == (0, False):  # else it came just before
            self._sleep(_DOZE_S)
        self.asleep = False

    def _sleep(self, timeout: float) -> None:
        """Wait, until :meth:`wake` at the longest."""
        if self._stop_at is not None:
            timeout = min(timeout, self._stop_at - time.monotonic())
        if timeout > 0:
            with suppress(Empty):
                self._bell.get(timeout=timeout)

    def _finished(self) -> bool:
        """Whether we were stopped, and nothing is left to do or no time to do it."""
        if self._stop_at is None:
            return False
        return time.monotonic() >= self._stop_at or not self._gate.use(_what_waits)[0]

    def _say(self, trouble: str) -> None:
        """Tell of a trouble once, until it is over or another."""
        if trouble != self._told:
            self._told = trouble
            self._tell(trouble)


def _next_batch(buffer: Buffer) -> bytes:
    return buffer.take(_CHUNK)


def _what_waits(buffer: Buffer) -> tuple[int, bool]:
    return buffer.pending, buffer.unsent


def _acknowledge(seq: int, buffer: Buffer) -> int:
    if seq > buffer.newest_sent:
        raise Refused(f"it acknowledges event {seq}, which was not sent: the src is another emitter's")
    return buffer.acknowledge(seq)


def _reason(error: OSError) -> str:
    reason = error.strerror or str(error)
    return escape_untrusted(reason[:1].lower() + reason[1:], 200)
