"""What a sink is: it takes what observers report, in batches, and never fails the run."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self


class ReportRecord(NamedTuple):
    """One finding of one observer, and the event it came from (``at`` in Unix ns).

    ``body`` is what the guest sent, meant to be one CBOR item; nobody has checked it yet.
    """

    observer: str
    src: str
    seq: int
    at: int
    topic: str
    body: bytes


class Sink(Protocol):
    """Where reports go. Open it with ``async with``; its counts stay readable after the end."""

    @property
    def written(self) -> int:
        """Reports that were handed to the operating system."""
        ...

    @property
    def invalid(self) -> int:
        """Reports dropped because their body is no valid CBOR."""
        ...

    @property
    def dropped(self) -> int:
        """Reports dropped because they could not be written."""
        ...

    @property
    def failed(self) -> str | None:
        """Why reports were dropped, the first time, in one line; None if none was."""
        ...

    async def __aenter__(self) -> Self:
        """Open the sink; raises SinkError with one line to show."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the sink."""
        ...

    async def write(self, batch: Sequence[ReportRecord]) -> None:
        """Write ``batch`` in order; waits as long as that takes, and raises nothing if it can't."""
        ...
