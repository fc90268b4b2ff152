"""What a run came to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from wasmhost.text import escape_untrusted

if TYPE_CHECKING:
    from wasmhost.host.counters import Summary
    from wasmhost.sources import SourceEnded

NAME_LIMIT: Final = 255
"""Characters of a source's name that are shown."""


@dataclass(slots=True)
class Unread:
    """Input that could not be read to its end, in words, one line for each source.

    A connection is not among them: that one node of many writes nonsense is no failure of the run.
    """

    named: list[str] = field(default_factory=list[str])

    def add(self, ended: SourceEnded) -> None:
        """Note a source that ended before its input did."""
        self.named.append(f"{escape_untrusted(ended.source, NAME_LIMIT)}: {ended.error}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to. ``failures``: what could not be written, one line each."""

    summary: Summary
    unread: Unread
    failures: tuple[str, ...]
