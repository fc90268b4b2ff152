"""The thread that writes to one shard's socket, so that nobody who has an event waits for it."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from wasmhost.shards.framing import Kind, encode

if TYPE_CHECKING:
    import socket

_BATCH: Final = 256 * 1024  # bytes of events in a frame


class _Whole(bytes):
    """A frame, where others in the queue are records of events."""


class Sender:
    """Sends events, batched, and frames in between. Use `add` and `put` from one thread at a time.

    What cannot be sent is dropped here: the shard is gone then, and its reader knows what to do.
    """

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._records: deque[bytes] = deque()
        self._bell = threading.Event()
        self._asleep = True
        self._last: Kind | None = None
        self._thread = threading.Thread(target=self._run, name="wasmhost-sender", daemon=True)
        self._thread.start()

    def add(self, record: bytes) -> None:
        """Send an event soon. Never waits."""
        self._records.append(record)
        if self._asleep:
            self._asleep = False
            self._bell.set()

    def put(self, kind: Kind, *body: bytes | bytearray) -> None:
        """Send a frame soon, after the events before it. Never waits."""
        self.add(_Whole(encode(kind, *body)))

    def finish(self, last: Kind | None) -> None:
        """Send what there is, then an empty frame of this kind, and end; returns at once."""
        self._last = last
        self._records.append(b"")
        self._bell.set()

    def join(self) -> None:
        """Wait for the end; the socket must be closed, or the other side reading."""
        self._thread.join()

    def _run(self) -> None:
        with suppress(OSError):
            while self._send_all():
                self._asleep = True
                if not self._records:  # one that came before we said that we sleep rang no bell
                    self._bell.wait()
                self._bell.clear()

    def _send_all(self) -> bool:
        """Send what has come; False after the last."""
        records = self._records
        while records:
            batch: list[bytes] = []
            size = 0
            ended = False
            whole = b""
            while records and size < _BATCH and not ended:
                record = records.popleft()
                if type(record) is _Whole:
                    whole = record
                    break
                ended = not record
                size += len(record)
                batch.append(record)
            if size:
                self._end.sendall(encode(Kind.EVENTS, *batch))
            if whole:
                self._end.sendall(whole)
            if ended:
                if self._last is not None:
                    self._end.sendall(encode(self._last))
                return False
        return True
