"""Cuts a CBOR sequence (RFC 8742) into its items, as its bytes come in.

A sequence has no separators: where an item ends, the next begins, and past a malformed one there is
no point to resume at. So the splitter walks every item, also those the contract refuses, and holds
at most one item of permitted size, whatever comes in.
"""

from __future__ import annotations

from typing import NamedTuple

from wasmhost.contract.heads import HeadWalk, Malformed
from wasmhost.contract.scan import MAX_DEPTH, MAX_EVENT_BYTES, permitted, scan, too_large
from wasmhost.errors import SourceError


class Item(NamedTuple):
    """One well-formed item of the sequence.

    ``offset`` is where it begins in the stream, in bytes. ``data`` is the item, or None where it was
    too large to keep. ``problem`` says why the contract refuses it, or is None; it depends on the
    item alone, not on the pieces it came in. ``deterministic`` is whether it is in core deterministic
    encoding: so what was walked once need not be walked again.
    """

    offset: int
    data: bytes | None
    problem: str | None
    deterministic: bool = False


class MalformedStream(SourceError):
    """The stream cannot be read on: ``offset`` is where the broken item begins, ``reason`` what broke."""

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(f"the item at byte {offset} {reason}")
        self.offset = offset
        self.reason = reason


class Splitter:
    """Push bytes in, take items out.

    No item is lost to a broken one behind it: :meth:`push` returns the items in front of the fault
    and sets ``error``, and only the next call raises it. Where the faulty item is the first of a
    push, that push raises. So a reader that only loops over :meth:`push` and ends with
    :meth:`finish` is correct; one that reads from a socket also looks at ``error`` after each push,
    or it would wait for bytes that no longer matter.

    ``offset`` is how many bytes were pushed so far.
    """

    def __init__(self, *, max_bytes: int = MAX_EVENT_BYTES, max_depth: int = MAX_DEPTH) -> None:
        self.offset = 0
        self.error: MalformedStream | None = None
        self._max_bytes = max_bytes
        self._max_depth = max_depth
        self._walk: HeadWalk | None = None  # over an item whose end has not come yet
        self._start = 0  # where that item begins in the stream
        self._kept = bytearray()  # its bytes, while they are not too many

    @property
    def pending(self) -> int:
        """How many bytes of an item have come whose end has not; also of one that is too large to keep."""
        return 0 if self._walk is None else self._walk.size

    def push(self, chunk: bytes | bytearray | memoryview) -> list[Item]:
        """Take the stream's next bytes, as many as there are; returns the items that end in them.

        Raises MalformedStream as the class says, and ever after. The work is linear in the bytes
        pushed, also when a large item comes byte by byte.
        """
        if self.error is not None:
            raise self.error
        data = bytes(chunk)
        items: list[Item] = []
        pos = 0
        try:
            while pos < len(data):
                item, pos = self._next(data, pos)
                if item is not None:
                    items.append(item)
        except Malformed as error:
            self.error = MalformedStream(self._start, f"is malformed: {error.reason} at byte {error.offset}")
            self._kept.clear()
            if not items:
                raise self.error from None
        self.offset += len(data)
        return items

    def finish(self) -> None:
        """Say that the stream is over; raises MalformedStream where it ends inside an item."""
        if self.error is None and self._walk is not None:
            self.error = MalformedStream(self._start, f"is truncated: the stream ends at byte {self.offset}")
        if self.error is not None:
            raise self.error

    def _next(self, data: bytes, pos: int) -> tuple[Item | None, int]:
        """Go on from ``pos``: the item that ends, if one does, and where to go on from."""
        if self._walk is None:
            self._start = self.offset + pos
            found = permitted(data, pos, self._max_bytes, self._max_depth)
            if found is not None:  # nearly every item: whole, and of a form we know
                return Item(self._start, data[pos : found.end], found.problem, found.deterministic), found.end
            self._walk = HeadWalk(self._max_depth, self._start)
        walk = self._walk
        end = walk.advance(data, pos)
        if walk.size <= self._max_bytes:
            self._kept += data[pos:end]
        else:
            self._kept.clear()
        return (self._take(walk) if walk.done else None), end

    def _take(self, walk: HeadWalk) -> Item:
        """Hand out the item whose walk is done."""
        kept = bytes(self._kept)
        self._walk = None
        self._kept.clear()
        if walk.size > self._max_bytes:
            return Item(self._start, None, too_large(walk.size, self._max_bytes))
        found = scan(kept, max_bytes=self._max_bytes, max_depth=self._max_depth)
        return Item(self._start, kept, found.problem, found.deterministic)
