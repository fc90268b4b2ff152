"""What a guest shows to the outside, of either kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wasmhost.contract.hooks import Hook


@dataclass(frozen=True, slots=True)
class Surface:
    """What a module shows, read from the compiled module and from its binary; nothing of it is granted yet.

    ``hooks`` it exports, in the contract's order; ``imports``, each as module and name. ``memory`` and
    ``table``: how much its largest one starts with, in pages and elements, and may grow to, None for no
    limit of its own; None where it has none.
    """

    hooks: tuple[Hook, ...]
    imports: tuple[tuple[str, str], ...]
    memory: tuple[int, int | None] | None
    table: tuple[int, int | None] | None


def largest(rooms: Iterable[tuple[int, int | None]]) -> tuple[int, int | None] | None:
    """The one that starts with most; None where there is none."""
    return max(rooms, key=lambda room: room[0], default=None)
