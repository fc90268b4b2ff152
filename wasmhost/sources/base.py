"""What a source is: an async iterator of events and of what could not be one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from wasmhost.contract.codec import Frame

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from types import TracebackType
    from typing import Self

CHUNK = 65_536
"""Bytes read at once. What a reader holds beside one chunk is at most one item."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """An item that breaks the contract was skipped; it began at byte ``offset`` of ``source``.

    ``seq`` is the number that it has as an event of its stream's source, where that can be read.
    """

    source: str
    offset: int
    reason: str
    seq: int | None = None


@dataclass(frozen=True, slots=True)
class SourceEnded:
    """Nothing more comes from ``source``: the file or connection is over, or can't be read on.

    ``error`` is None at a proper end, or one line that names the byte. ``offset`` is how many bytes
    were read, or with an item that is malformed or truncated, where that item began.
    """

    source: str
    offset: int
    error: str | None = None


SourceItem = Frame | Rejected | SourceEnded
"""What a source yields. A Frame's ``src`` is always set: by the event, else by the hello that opened
its stream, else to the name of the file or connection. Names come from strangers: escape to print."""


class Source(Protocol):
    """Where events come from. Open it with ``async with``, iterate once.

    Asking for the next item says that the one before was taken: a source that acknowledges does it then.
    ``name`` is how the operator wrote it. A ``lossless`` source waits for its reader and gives the
    same events each time.
    """

    @property
    def name(self) -> str:
        """How messages call this source."""
        ...

    @property
    def lossless(self) -> bool:
        """Whether the source waits for the slowest observer, so that nothing is dropped."""
        ...

    async def __aenter__(self) -> Self:
        """Open the source; raises SourceError with one line to show."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close whatever is open, also in the middle of the input."""
        ...

    def __aiter__(self) -> AsyncIterator[SourceItem]:
        """Iterate until the input ends or :meth:`stop` was called."""
        ...

    def stop(self) -> None:
        """End the iteration soon, with what has already arrived. From the event loop's thread."""
        ...
