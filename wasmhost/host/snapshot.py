"""How a host is at a moment, in numbers: what its telemetry is made of. Taken from any thread."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from wasmhost.host.hook_tally import HookTally

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wasmhost.host.counters import Counters, ObserverSummary, Summary
    from wasmhost.host.hook_tally import HookCounts
    from wasmhost.host.posts import Post, Runner

_PAGES: Final = 1  # the field of /proc/PID/statm that says how many pages are resident
_NO_HOOKS: Final[Mapping[str, HookCounts]] = {}


class ShardSnapshot(NamedTuple):
    """One shard; ``pid`` None between two processes. ``serving``: its observers are given events."""

    name: str
    pid: int | None
    serving: bool
    deaths: int

    @property
    def memory_bytes(self) -> int | None:
        """What its process has in memory; None where there is none, or nobody says."""
        if self.pid is None:
            return None
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[_PAGES])
        except (OSError, ValueError, IndexError):
            return None
        return pages * _page_bytes()


@dataclass(frozen=True, slots=True)
class ObserverSnapshot:
    """One observer: its line of the summary, and what that does not say.

    ``hooks``: those that anything was counted of. ``waiting`` events are in its mailbox, or under way to its
    shard. ``restarts`` includes those that failed.
    """

    summary: ObserverSummary
    hooks: Mapping[str, HookCounts] = field(default_factory=lambda: _NO_HOOKS)
    waiting: int = 0
    restarts: int = 0
    restarts_failed: int = 0
    state_refused: int = 0


@dataclass(frozen=True, slots=True)
class HostSnapshot:
    """A whole host."""

    events: int
    rejected: int
    observers: tuple[ObserverSnapshot, ...]
    shards: tuple[ShardSnapshot, ...] = ()


def snapshot(summary: Summary, posts: Iterable[Post], shards: Iterable[ShardSnapshot] = ()) -> HostSnapshot:
    """Take it; ``posts`` are those of the observers that run."""
    runners = {post.runner.name: post.runner for post in posts}
    observers = (_observer(line, runners.get(line.name)) for line in summary.observers)
    return HostSnapshot(summary.events, summary.rejected, tuple(observers), tuple(shards))


def _observer(line: ObserverSummary, runner: Runner | None) -> ObserverSnapshot:
    if runner is None:
        return ObserverSnapshot(line)
    counters = runner.counters
    return ObserverSnapshot(
        line,
        hook_counts(counters),
        runner.mailbox.waiting,
        counters.restarts,
        counters.restarts_failed,
        counters.state_refused,
    )


def hook_counts(counters: Counters) -> dict[str, HookCounts]:
    """Give each hook's counts, with what its mailbox dropped."""
    found = {hook: tally.told() for hook, tally in counters.hooks.copy().items()}
    for (hook, reason), count in counters.drops.copy().items():
        told = found.get(hook) or HookTally().told()
        dropped = Counter(told.dropped)
        dropped[reason] += count
        found[hook] = told._replace(dropped=dropped)
    return found


def _page_bytes() -> int:
    import resource  # not everywhere, and neither is /proc

    return resource.getpagesize()
