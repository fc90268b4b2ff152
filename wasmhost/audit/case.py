"""What a case of the corpus is, and the closed set of words for what it must come to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

from wasmhost.errors import UserError

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from wasmhost.config import ObserverDefaults
    from wasmhost.config.model import Isolation
    from wasmhost.panics import PanicKind

Word = Literal["refused", "trapped", "bounded", "harmless", "rejected", "ended", "died"]
Kind = Literal["guest", "stream"]

WORDS: Final[tuple[Word, ...]] = get_args(Word)
OF_GUESTS: Final = frozenset({"refused", "trapped", "bounded", "harmless", "died"})
OF_STREAMS: Final = frozenset({"harmless", "rejected", "ended"})


class CaseError(UserError):
    """A file of the corpus says something that cannot be meant; the message names file and line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a case must come to.

    ``reason``: a pattern that the reason of a refusal, a rejection or an end has to match, or a panic's
    message. ``kind`` and ``panics`` are of ``trapped``: how it traps, and on how many of its events (None:
    on all). ``counts``: what of it is counted, each from least to most. ``rejected``: how many items of a
    stream are. ``at``: the byte at which the item begins that ends it.
    """

    word: Word
    reason: re.Pattern[str] | None = None
    kind: PanicKind | None = None
    panics: int | None = None
    counts: Mapping[str, tuple[int, int | None]] = field(default_factory=dict[str, tuple[int, int | None]])
    rejected: int = 0
    at: int | None = None

    def __str__(self) -> str:
        """The expectation in words."""
        details: list[str] = []
        if self.kind is not None:
            details.append(
                f"by {self.kind}" + (f" on {self.panics} events" if self.panics is not None else "")
            )
        details += [f"{name} {_span(*span)}" for name, span in self.counts.items()]
        if self.rejected:
            details.append(f"{self.rejected} items rejected")
        if self.at is not None:
            details.append(f"at byte {self.at}")
        if self.reason is not None:
            details.append(f"saying /{self.reason.pattern}/")
        return f"{self.word}: {', '.join(details)}" if details else self.word


def _span(least: int, most: int | None) -> str:
    if most is None:
        return f"at least {least}"
    return f"{least}" if least == most else f"{least} to {most}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A guest or a stream, what it is given, and what it must come to under either isolation.

    ``content``: the module, or the stream's bytes. ``group``: its class. A guest is an observer with
    ``settings``, and is given ``events`` of one ``hook``. The case is for the isolations in ``expected``.
    ``alone``: it gets a host, and a neighbour, of its own. ``within``: seconds until it
    must have come to that.
    """

    name: str
    group: str
    title: str
    kind: Kind
    content: bytes
    expected: Mapping[Isolation, Expectation]
    hook: str = "on_webrtc_connected"
    events: int = 3
    settings: ObserverDefaults
    alone: bool = False
    within: float = 20.0
