"""Whether the host is ready, and if not, why: for /readyz, a metric, and whoever has to decide.

Reads no clock: ``now`` is given, in seconds of a monotonic one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wasmhost.host.snapshot import HostSnapshot, ShardSnapshot

Phase = Literal["starting", "running", "draining"]

_RUN: Final = frozenset({"running", "quarantined"})


class Readiness(NamedTuple):
    """Why the host is not ready, in words; it is where there is nothing to say."""

    why_not: tuple[str, ...]

    @property
    def ready(self) -> bool:
        """Whether it is."""
        return not self.why_not


class Health:
    """What readiness is made of: how far the host is, who runs, which shards are down since when."""

    def __init__(self, shard_down_s: float) -> None:
        self.phase: Phase = "starting"
        self._shard_down_s = shard_down_s
        self._down_since: dict[str, float] = {}

    def look(self, shards: Sequence[ShardSnapshot], now: float) -> None:
        """Note which shards are down; to be called about every second."""
        down = {shard.name for shard in shards if not shard.serving}
        self._down_since = {name: self._down_since.get(name, now) for name in down}

    def readiness(self, host: HostSnapshot, now: float) -> Readiness:
        """Say whether the host is ready."""
        return Readiness(tuple(self._why_not(host, now)))

    def _why_not(self, host: HostSnapshot, now: float) -> list[str]:
        if self.phase == "starting":
            return ["it starts: observers are loaded, or the source is not open yet"]
        why = ["it drains: no more events are taken"] if self.phase == "draining" else []
        if not host.observers:
            why.append("there is no observer here, or none yet")
        elif not any(observer.summary.state in _RUN for observer in host.observers):
            why.append("no observer runs: all were refused or have failed")
        for shard in host.shards:
            down_s = 0 if shard.serving else now - self._down_since.get(shard.name, now)
            if down_s > self._shard_down_s:
                why.append(f"{shard.name} has been down for {down_s:.0f} s")
        return why
