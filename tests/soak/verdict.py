"""Whether a soak was flat: figures of its last quarter beside those of its second."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence


class Slack(NamedTuple):
    """By how much the later median may be above the earlier: a share of it, and so much more."""

    share: float
    more: float


SLACKS: Final = {
    "resident_mib": Slack(0.05, 8),
    "descriptors": Slack(0, 2),
    "threads": Slack(0, 2),
    "processes": Slack(0, 1),
    "database_kib": Slack(0.05, 1024),
}


class Trend(NamedTuple):
    """One figure over the run: the medians of its second and its last quarter, and what was allowed."""

    name: str
    earlier: float
    later: float
    most: float

    @property
    def flat(self) -> bool:
        """Whether it grew by no more than its slack."""
        return self.later <= self.most


def trend(name: str, values: Sequence[float]) -> Trend:
    """Judge one figure's samples. The first quarter is left to warming up."""
    quarter = len(values) // 4
    earlier = median(values[quarter : 2 * quarter] or values)
    later = median(values[-quarter:] or values)
    slack = SLACKS[name]
    return Trend(name, earlier, later, earlier * (1 + slack.share) + slack.more)
