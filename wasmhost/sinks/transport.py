"""What carries messages to where they go: a file, a webhook, a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from wasmhost.sinks.entry import Message


class TryLater(Exception):
    """It did not work, and may work later; why. ``after_s``: the receiver asks to wait so long."""

    def __init__(self, reason: str, after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.after_s = after_s


class Refused(Exception):
    """The receiver does not want it, and never will. ``piecewise``: one of several may be the reason."""

    def __init__(self, reason: str, *, piecewise: bool) -> None:
        super().__init__(reason)
        self.piecewise = piecewise


class Transport(Protocol):
    """One way out. For one task at a time; open it with ``async with``."""

    async def __aenter__(self) -> Self:
        """Open it; raises SinkError for what no later try can mend. The receiver need not be there yet."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        ...

    async def send(self, batch: Sequence[Message]) -> None:
        """Send messages in order, and return once the receiver has confirmed all of them.

        :raises TryLater: it has not, of one at least.
        :raises Refused: it has refused them.
        """
        ...
