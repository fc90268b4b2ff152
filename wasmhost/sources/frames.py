"""From the bytes of one stream to its events: the same for a file and for a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wasmhost.contract.codec import Hello, decode_hello, ingest_scanned, number_of
from wasmhost.contract.scan import MAX_EVENT_BYTES
from wasmhost.contract.schema import RejectedEvent
from wasmhost.contract.sequence import Item, MalformedStream, Splitter
from wasmhost.sources.base import Rejected, SourceEnded, SourceItem

if TYPE_CHECKING:
    from collections.abc import Callable

    Greet = Callable[[Hello | RejectedEvent | None], str | None]


class FrameReader:
    """Takes one stream's bytes as they come, gives its events; ``source`` is what events without src get.

    ``ended`` is set when nothing can come any more because an item is malformed: a CBOR sequence
    has no point to resume at; or because ``greet`` wants it so. That is called once, for the first item:
    with its hello, with what is wrong with that, or with None where it is none; and returns why the
    stream may not go on, or None. Without it, a hello names the stream, and a broken one is skipped.
    """

    __slots__ = ("_at_first_item", "_greet", "_splitter", "ended", "source")

    def __init__(
        self, source: str, greet: Greet | None = None, *, max_item_bytes: int = MAX_EVENT_BYTES
    ) -> None:
        self.source = source
        self.ended: SourceEnded | None = None
        self._greet = greet
        self._splitter = Splitter(max_bytes=max_item_bytes)
        self._at_first_item = True

    @property
    def offset(self) -> int:
        """How many bytes came so far."""
        return self._splitter.offset

    @property
    def pending(self) -> int:
        """How many bytes of an item have come whose end has not."""
        return self._splitter.pending

    def push(self, chunk: bytes) -> list[SourceItem]:
        """Return what ``chunk`` completes, in order; nothing after the end."""
        if self.ended is not None:
            return []
        try:
            items = self._splitter.push(chunk)
        except MalformedStream as error:
            return [self._end_at(error)]
        if self._at_first_item and items and (refusal := self._open(items)) is not None:
            return [self.refuse(refusal)]
        found = [taken for item in items if (taken := self._take(item)) is not None]
        if self._splitter.error is not None:
            found.append(self._end_at(self._splitter.error))
        return found

    def finish(self, failure: str | None = None) -> list[SourceItem]:
        """Return the end of a stream that gives no more bytes, because of ``failure`` if there was one."""
        if self.ended is not None:
            return []
        if failure is not None:
            return [self._end(f"cannot be read on at byte {self._splitter.offset}: {failure}")]
        try:
            self._splitter.finish()
        except MalformedStream as error:
            return [self._end_at(error)]
        return [self._end(None)]

    def cut(self) -> list[SourceItem]:
        """Return the end of a stream that we stop reading, wherever in an item that is."""
        return [] if self.ended is not None else [self._end(None)]

    def refuse(self, why: str) -> SourceEnded:
        """End a stream that we will not read on; returns its end."""
        return self._end(why)

    def _open(self, items: list[Item]) -> str | None:
        """Look at the first item, and take it away if it is a hello; returns why the stream may not go on."""
        self._at_first_item = False
        first = items[0]
        hello: Hello | RejectedEvent | None = None
        if first.data is not None and first.problem is None:
            try:
                hello = decode_hello(first.data)
            except RejectedEvent as error:
                hello = error
        refusal = None if self._greet is None else self._greet(hello)
        if refusal is None and isinstance(hello, Hello):
            self.source = hello.src
            del items[0]
        return refusal

    def _take(self, item: Item) -> SourceItem | None:
        if item.data is None or item.problem is not None:
            return Rejected(self.source, item.offset, item.problem or "too large")
        try:
            frame = ingest_scanned(item.data, deterministic=item.deterministic)
        except RejectedEvent as error:
            return Rejected(self.source, item.offset, str(error), self._number(item.data))
        return frame if frame.src is not None else frame._replace(src=self.source)

    def _number(self, data: bytes) -> int | None:
        found = number_of(data)
        return found[1] if found is not None and found[0] in (None, self.source) else None

    def _end_at(self, error: MalformedStream) -> SourceEnded:
        self.ended = SourceEnded(self.source, error.offset, str(error))
        return self.ended

    def _end(self, error: str | None) -> SourceEnded:
        self.ended = SourceEnded(self.source, self._splitter.offset, error)
        return self.ended
