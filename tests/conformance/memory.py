"""How much linear memory a guest takes, found by giving it less and less."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from wasmhost.errors import GuestRefused

if TYPE_CHECKING:
    from collections.abc import Callable

    from wasmhost.testing import Observer

PAGE_BYTES: Final = 65_536
BOX_PAGES: Final = 4
"""The airlock's box is held to the same limit as the guest's memory, so less cannot be tried."""
_MOST_PAGES: Final = 2_048


def confine(observer: Observer, pages: int) -> Observer:
    """Let an observer have so many pages of 64 KiB; `Limits` knows whole MiB only."""
    plan = observer.guest.plan
    limits = replace(plan.limits, memory_bytes=pages * PAGE_BYTES)
    observer.restart()
    observer.guest = replace(observer.guest, plan=replace(plan, limits=limits))
    return observer


def least_pages(observer: Observer, run: Callable[[Observer], None]) -> int:
    """The fewest pages within which a run ends without a panic, or `BOX_PAGES` where it needs no more."""
    low, high = BOX_PAGES - 1, _MOST_PAGES  # too few, and enough
    run(confine(observer, high))  # what goes wrong here, more memory does not mend
    while high - low > 1:
        middle = (low + high) // 2
        if _fits(confine(observer, middle), run):
            high = middle
        else:
            low = middle
    return high


def _fits(observer: Observer, run: Callable[[Observer], None]) -> bool:
    before = len(observer.panics)
    try:
        run(observer)
    except (AssertionError, GuestRefused):  # it panicked, or did not even start
        return False
    return len(observer.panics) == before
