"""What a node emits through: it waits for nobody, and a thread of its own does the rest."""

from __future__ import annotations

import atexit
import logging
import os
import secrets
import threading
import weakref
from contextlib import suppress
from functools import partial
from time import time_ns
from typing import TYPE_CHECKING, Final

from wasmhost.contract.encode import encode_emitted, encode_unnumbered
from wasmhost.emitter.address import parse_address
from wasmhost.emitter.buffer import Buffer, Counts, Limits
from wasmhost.emitter.gate import Gate
from wasmhost.emitter.sender import Sender
from wasmhost.emitter.wire import hello
from wasmhost.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from wasmhost.contract.encode import Unnumbered
    from wasmhost.contract.records import HookEvent, Payload, RuntimeContext
    from wasmhost.emitter.address import Tls

CLOSE_S: Final = 2.0
"""How long closing waits for the host by default."""
_EXIT_S: Final = 1.0
_SRC_BYTES: Final = 255

_log: Final = logging.getLogger("wasmhost.emitter")


class Emitter:
    """Sends a node's events to a host at ``unix:PATH`` or ``tcp:HOST:PORT``; the node never waits for it.

    Emitting encodes the event and puts it into a bounded buffer. A daemon thread connects, sends what is
    there in order, and sends it again on a new connection where the host did not acknowledge it; a host
    that stays up takes each event once. While the host is away or slow the buffer fills, and what then
    has no room is dropped and counted: see :class:`Limits` and :attr:`counts`.

    ``src`` names this emitter to the host and must be new at each start, so it is best left out.
    ``token`` is what the host asks for, ``tls`` is needed beyond this machine. ``on_trouble`` is told in one
    line, once and from the emitter's thread, of a host that refuses us or cannot be reached; by default
    that is logged.

    Close it by ``with``, by ``async with``, or by :meth:`close`; at the end of the process it closes itself.
    In a forked child it is another emitter, with a ``src``, counts and a connection of its own.

    :raises ConfigError: the address, the ``src`` or a TLS file cannot be used.
    """

    def __init__(
        self,
        address: str,
        *,
        src: str | None = None,
        token: str | None = None,
        tls: Tls | None = None,
        limits: Limits | None = None,
        on_trouble: Callable[[str], None] | None = None,
    ) -> None:
        if src is not None and not 0 < len(src.encode("utf-8", "replace")) <= _SRC_BYTES:
            raise ConfigError(f"a src takes 1 to {_SRC_BYTES} bytes")
        self.src = src or _new_src()
        self._given_src = src
        self._address = parse_address(address, tls)
        self._token = token
        self._limits = limits or Limits()
        self._on_trouble = on_trouble or _log.warning
        self._begin()
        self._wake()
        atexit.register(self.close, _EXIT_S)
        os.register_at_fork(after_in_child=partial(_begin_anew, weakref.ref(self)))

    def _begin(self) -> None:
        self._gate = Gate(self._limits)
        self._put = self._gate.put
        self._sender = Sender(self._gate, self._address, hello(self.src, self._token), self._tell)
        self._thread = threading.Thread(target=self._sender.run, name="wasmhost-emitter", daemon=True)
        self._to_start = [self._thread]

    # The node's side.

    def emit(self, event: HookEvent, ctx: RuntimeContext | None = None, *, at: int | None = None) -> None:
        """Send an event. Never waits, and never fails for the host's sake; safe from any thread.

        ``ctx`` is None while the node has no identity: then observers hear the two early signaling hooks
        only. ``at`` is Unix time in nanoseconds, now by default. After closing, events count as dropped.

        :raises RejectedEvent: the event itself cannot be encoded, say for a number out of range.
        """
        self._put(encode_emitted(event, time_ns() if at is None else at, ctx))
        if self._sender.asleep:
            self._wake()

    def emit_hook(
        self,
        hook: str,
        ctx: RuntimeContext | None,
        payload: Payload | None = None,
        *,
        at: int | None = None,
    ) -> None:
        """Do the same, for one who has the hook's name and payload and not the event.

        So the four lifecycle hooks are sent, for which a node has no event.
        """
        self.emit_encoded(encode_unnumbered(hook, time_ns() if at is None else at, ctx, payload))

    def emit_encoded(self, event: Unnumbered) -> None:
        """Do the same with an event that is encoded already."""
        self._put(event)
        if self._sender.asleep:
            self._wake()

    @property
    def counts(self) -> Counts:
        """What became of all events so far, as of one instant."""
        return self._gate.use(self._count)

    def _count(self, buffer: Buffer) -> Counts:
        reconnects = max(0, self._sender.reconnects)
        return Counts(buffer.emitted, buffer.delivered, buffer.dropped, buffer.pending, reconnects)

    # The end.

    def close(self, timeout: float = CLOSE_S) -> None:
        """Wait for the host to take what is pending, ``timeout`` seconds at most, then give up the rest."""
        atexit.unregister(self.close)
        self._sender.stop(timeout)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)
        self._gate.use(Buffer.close)

    async def aclose(self, timeout: float = CLOSE_S) -> None:  # noqa: ASYNC109 - the same face as close()
        """Do the same without holding up the event loop, whichever anyio runs on; a cancellation waits."""
        from anyio import CancelScope, to_thread

        with CancelScope(shield=True):
            await to_thread.run_sync(self.close, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    # The thread.

    def _wake(self) -> None:
        """Have the thread look at once; it is started where it is not yet, as in a forked child."""
        self._sender.wake()
        with suppress(IndexError, RuntimeError):  # no new threads when the interpreter ends
            self._to_start.pop().start()  # pop: by one caller only

    def _tell(self, trouble: str) -> None:
        try:
            self._on_trouble(trouble)
        except Exception:
            _log.exception("on_trouble failed")

    def _be_another(self) -> None:
        self._sender.forget()
        self.src = f"{self._given_src}-{os.getpid()}" if self._given_src else _new_src()
        self._begin()
        self._sender.asleep = True  # until something is emitted there is no need of a thread


def _begin_anew(emitter: weakref.ref[Emitter]) -> None:
    """After a fork, in the child: threads are not inherited, and the connection is the parent's."""
    here = emitter()
    if here is not None:
        here._be_another()  # noqa: SLF001


def _new_src() -> str:
    return f"py-{secrets.token_hex(8)}"
