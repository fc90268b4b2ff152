"""docs/scale.md says what the model reckons, with the constants that the page has."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.scale.model import MEASURED, Assumed, direct_table, need, stream_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = Path(__file__).parents[2] / "docs" / "scale.md"


@pytest.mark.parametrize("table", [direct_table, stream_table])
def test_the_page_has_the_models_tables(table: Callable[[], Iterator[str]]) -> None:
    """As ``python -m tests.scale.model`` prints them."""
    assert "\n".join(table()) in PAGE.read_text()


def test_the_page_has_the_models_constants() -> None:
    """A constant that is measured anew changes both."""
    text = PAGE.read_text()
    for name in (item for item in MEASURED.__slots__ if item != "event_bytes"):
        assert f"| `{name}` | {getattr(MEASURED, name):g} |" in text


def test_twice_the_events_need_twice_the_cores() -> None:
    """And not twice the hosts, where connections decide."""
    one, two = need(1_000_000, 0.01), need(1_000_000, 0.02)
    assert two.host_cores == pytest.approx(2 * one.host_cores)
    assert two.stream_cores == pytest.approx(2 * one.stream_cores)
    assert one.hosts == two.hosts == 100


def test_observers_who_share_a_profile_cost_less() -> None:
    """Each profile of its own is an encoding more."""
    apart = need(1000, 1, MEASURED, Assumed(observers=8, profiles=8))
    together = need(1000, 1, MEASURED, Assumed(observers=8, profiles=1))
    clear = need(1000, 1, MEASURED, Assumed(observers=8, profiles=0))
    assert clear.host_cores < together.host_cores < apart.host_cores
    free = replace(MEASURED, disguise_us=0, profile_us=0)
    assert need(1000, 1, free, Assumed(observers=8, profiles=8)).host_cores == clear.host_cores
