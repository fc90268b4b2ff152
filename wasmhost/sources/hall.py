"""What the connections of one source share, and what they count."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.config.source import SourceConfig
    from wasmhost.sources.connection import Connection
    from wasmhost.sources.doors import Door
    from wasmhost.sources.srcs import SrcTable
    from wasmhost.sources.tokens import Tokens


@dataclass(slots=True)
class WireCounts:
    """What a listening source has seen so far.

    ``refused`` is by the fixed words of docs/wire.md, and ``handshake`` where TLS had none.
    """

    open: int = 0
    accepted: int = 0
    repeated: int = 0
    refused: Counter[str] = field(default_factory=Counter[str])


@dataclass(frozen=True, slots=True)
class Hall:
    """What the connections of one source share.

    The functions tell it what one of them needs: a turn, an answer soon, to hear when it can be written to.
    """

    settings: SourceConfig
    door: Door
    tokens: Tokens | None
    srcs: SrcTable
    counts: WireCounts
    clock: Callable[[], float]
    turn_wanted: Callable[[Connection], None]
    answer_due: Callable[[Connection], None]
    writing: Callable[[Connection, bool], None]
