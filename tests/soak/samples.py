"""What is looked at while a soak runs: processes, the database, and the neighbours' reports."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from dataclasses import dataclass, field
from random import choice
from typing import TYPE_CHECKING, Final

import psutil  # type: ignore[import-untyped]  # it has none

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from wasmhost.sinks import ReportRecord

_MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. Latencies are those since the look before, in milliseconds, from `emit` to the sink."""

    at_s: float
    resident_mib: float
    descriptors: int
    threads: int
    processes: int
    database_kib: float
    emitted: int
    delivered: int
    p50_ms: float
    p99_ms: float
    panics: int


@dataclass
class Listener:
    """A sink that holds the reports of those that are well to their order, and measures how old they are.

    ``missing``: events of which one of them did not tell, though it told of a later one.
    """

    well: frozenset[str]
    latencies_ms: list[float] = field(default_factory=list[float])
    seen: dict[str, int] = field(default_factory=dict[str, int])
    missing: Counter[str] = field(default_factory=Counter[str])
    disordered: list[str] = field(default_factory=list[str])
    others: int = 0
    written: int = 0
    invalid: int = 0
    dropped: int = 0
    failed: str | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    async def write(self, batch: Sequence[ReportRecord]) -> None:
        """Look at a batch of reports: the guest's own sequence is the host's, and goes up."""
        now = time.time_ns()
        self.written += len(batch)
        for record in batch:
            assert record.topic.isprintable(), "a topic that is not printable"
            if record.observer not in self.well:
                self.others += 1
                continue
            expected = self.seen.get(record.observer, -1) + 1
            told = int.from_bytes(record.body[1:], "little")
            if told != record.seq or told < expected:
                self.disordered.append(f"{record.observer}: {told}, {record.seq} instead of {expected}")
            self.missing[record.observer] += max(0, told - expected)
            self.seen[record.observer] = told
            self.latencies_ms.append((now - record.at) / 1e6)

    def take_latencies(self) -> tuple[float, float]:
        """The median and the 99th percentile since the last time, and begin anew."""
        ordered = sorted(self.latencies_ms) or [0.0]
        self.latencies_ms.clear()
        return ordered[len(ordered) // 2], ordered[len(ordered) * 99 // 100]


class Household:
    """The process itself and all below it."""

    def __init__(self, database: Path) -> None:
        self._self = psutil.Process()
        self._database = database

    def kill_a_shard(self) -> bool:
        """Kill one of the processes that the zygote made, as a bug in the engine might; False for none."""
        shards = [child for child in self._self.children(recursive=True) if child.ppid() != self._self.pid]
        if not shards:
            return False
        choice(shards).kill()
        return True

    def look(self) -> tuple[float, int, int, int, float]:
        """Resident MiB, descriptors, threads and processes, of all together; KiB of the database's files."""
        resident = descriptors = threads = 0
        family = [self._self, *self._self.children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.Error), process.oneshot():
                resident += process.memory_info().rss
                descriptors += process.num_fds()
                threads += process.num_threads()
        files = self._database.parent.glob(f"{self._database.name}*")
        size = sum(file.stat().st_size for file in files)
        return resident / _MIB, descriptors, threads, len(family), size / 1024
