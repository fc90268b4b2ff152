"""From the bytes of one stream to its events: the same for a file and for a connection."""

from __future__ import annotations

from wasmhost.contract.codec import decode_hello, ingest
from wasmhost.contract.schema import RejectedEvent
from wasmhost.contract.sequence import Item, MalformedStream, Splitter
from wasmhost.sources.base import Rejected, SourceEnded, SourceItem


class FrameReader:
    """Takes one stream's bytes as they come, gives its events; ``source`` is what events without src get.

    ``ended`` is set when nothing can come any more because an item is malformed: a CBOR sequence
    has no point to resume at.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.ended: SourceEnded | None = None
        self._splitter = Splitter()
        self._at_first_item = True

    def push(self, chunk: bytes) -> list[SourceItem]:
        """Return what ``chunk`` completes, in order; nothing after the end."""
        if self.ended is not None:
            return []
        try:
            items = self._splitter.push(chunk)
        except MalformedStream as error:
            return [self._end_at(error)]
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

    def _take(self, item: Item) -> SourceItem | None:
        first, self._at_first_item = self._at_first_item, False
        if item.data is None or item.problem is not None:
            return Rejected(self.source, item.offset, item.problem or "too large")
        try:
            hello = decode_hello(item.data) if first else None
            if hello is not None:
                self.source = hello.src
                return None
            frame = ingest(item.data)
        except RejectedEvent as error:
            return Rejected(self.source, item.offset, str(error))
        return frame if frame.src is not None else frame._replace(src=self.source)

    def _end_at(self, error: MalformedStream) -> SourceEnded:
        self.ended = SourceEnded(self.source, error.offset, str(error))
        return self.ended

    def _end(self, error: str | None) -> SourceEnded:
        self.ended = SourceEnded(self.source, self._splitter.offset, error)
        return self.ended
