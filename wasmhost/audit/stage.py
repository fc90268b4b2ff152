"""One host, a healthy neighbour and some cases in it, the events they are given, and what comes of that."""

from __future__ import annotations

import asyncio
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wasmhost.audit.neighbour import NAME, Listener, neighbour_module
from wasmhost.authoring.samples import SAMPLES
from wasmhost.config import HostConfig, ObserverDefaults
from wasmhost.contract.codec import Decoded, Frame, decode_event
from wasmhost.contract.hooks import EARLY_HOOKS, HOOK_BY_NAME
from wasmhost.host.dispatch import LOCAL
from wasmhost.host.host import ObserverHost
from wasmhost.sources import Rejected
from wasmhost.sources.file import FileSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wasmhost.audit.case import Case
    from wasmhost.audit.cleanliness import Cleanliness
    from wasmhost.config import ObserverConfig
    from wasmhost.config.model import Isolation
    from wasmhost.host.counters import ObserverSummary, Summary
    from wasmhost.panics import PanicRow
    from wasmhost.sources import SourceEnded

_PAUSE_S: Final = 0.001
_LOOKS: Final = 5  # pauses between two looks at how far the cases are
_LEAST_EVENTS: Final = 40  # for a 99th percentile
_FAILED_S: Final = 0.3  # an observer that cannot be restarted is given up for good after this
_DRAIN_S: Final = 5.0
_BACKGROUND: Final = ("on_websocket_connected", "on_websocket_disconnected", "on_webrtc_connecting")
_LAB: Final[dict[str, Decoded]] = {name: decode_event(frame.data) for name, frame in SAMPLES.items()}


@dataclass(slots=True)
class Seen:
    """What came of a case.

    Of a guest: its line in the summary, and its panics. Of a stream: how many items were ``accepted``, the
    reasons of those that were not, and its end. ``ms``: from when its host was opened until it had come to
    that, None where it never did.
    """

    summary: ObserverSummary | None = None
    panics: tuple[PanicRow, ...] = ()
    accepted: int = 0
    rejected: tuple[str, ...] = ()
    ended: SourceEnded | None = None
    ms: float | None = None


@dataclass(frozen=True, slots=True)
class Staged:
    """What came of all cases of a stage, by their names, and how their neighbour fared."""

    seen: dict[str, Seen]
    listener: Listener
    clean: bool


async def stage(cases: Sequence[Case], isolation: Isolation, clean: Cleanliness) -> Staged:
    """Run cases in one host: all are given equally many events."""
    with tempfile.TemporaryDirectory(prefix="wasmhost-audit-") as folder:
        performance = _Performance(cases, isolation, Path(folder))
        await performance.run()
        dirty = len(clean.dirty)
        clean.look(performance.lines())
    return Staged(performance.seen, performance.listener, len(clean.dirty) == dirty)


class _Performance:
    def __init__(self, cases: Sequence[Case], isolation: Isolation, folder: Path) -> None:
        self.seen = {case.name: Seen() for case in cases}
        self.listener = Listener(folder / "reports.ndjson")
        self._guests = [case for case in cases if case.kind == "guest"]
        self._streams = [case for case in cases if case.kind == "stream"]
        self._folder = folder
        self._within = max(case.within for case in cases)
        self._config = self._configure(isolation)
        self._background = next(
            hook for hook in _BACKGROUND if hook not in {case.hook for case in self._guests}
        )
        self._begun = 0.0
        self._failing: dict[str, float] = {}
        self._summary: Summary | None = None

    def _configure(self, isolation: Isolation) -> HostConfig:
        observers = [_placed(ObserverDefaults(mailbox=100_000), NAME, self._folder, neighbour_module())]
        for case in self._guests:
            settings = replace(case.settings, hooks=case.settings.hooks or frozenset({case.hook}))
            observers.append(_placed(settings, observer_name(case), self._folder, case.content))
        return HostConfig(tuple(observers), db=None, drain_s=_DRAIN_S, isolation=isolation)

    async def run(self) -> None:
        """From opening the host to what was seen of it."""
        self._begun = time.perf_counter()
        async with ObserverHost(self._config, sink=self.listener) as host:
            for case in self._streams:
                await self._feed(host, case)
            self._emit(host)
            await self._watch(host)
        self._summary = host.summary()
        self._take(self._summary, host.panics.rows())

    def _emit(self, host: ObserverHost) -> None:
        for _ in range(max((case.events for case in self._guests), default=0)):
            for hook in sorted({case.hook for case in self._guests}):
                self._emit_one(host, hook)

    def _emit_one(self, host: ObserverHost, hook: str) -> None:
        event = _LAB[hook]
        self.listener.sending(LOCAL)
        host.emit_hook(hook, event.ctx, event.payload)

    async def _feed(self, host: ObserverHost, case: Case) -> None:
        """Give a stream to the host, as a run does."""
        path = self._folder / f"{observer_name(case)}.cborseq"
        path.write_bytes(case.content)
        seen, rejected = self.seen[case.name], []
        async with FileSource(path) as source:
            async for item in source:
                if isinstance(item, Frame):
                    seen.accepted += 1
                    if item.hook in HOOK_BY_NAME and (item.has_ctx or item.hook in EARLY_HOOKS):
                        self.listener.sending(item.src or LOCAL, item.seq)
                    await host.feed_frame(item)
                elif isinstance(item, Rejected):
                    rejected.append(item.reason)
                    host.reject(item.source, item.offset, item.reason)
                else:
                    seen.ended = item
        seen.rejected = tuple(rejected)
        seen.ms = self._elapsed_ms()

    async def _watch(self, host: ObserverHost) -> None:
        """Keep the neighbour busy until all cases have come to something, or are out of time."""
        sent = 0
        while True:
            if sent % _LOOKS == 0:
                self._look(host.summary())
                if sent >= _LEAST_EVENTS and all(seen.ms is not None for seen in self.seen.values()):
                    return
                if time.perf_counter() - self._begun > self._within:
                    return
            self._emit_one(host, self._background)
            sent += 1
            await asyncio.sleep(_PAUSE_S)

    def _look(self, summary: Summary) -> None:
        lines = {line.name: line for line in summary.observers}
        for case in self._guests:
            seen = self.seen[case.name]
            if seen.ms is None and self._is_through(case, lines.get(observer_name(case))):
                seen.ms = self._elapsed_ms()

    def _is_through(self, case: Case, line: ObserverSummary | None) -> bool:
        if line is None:
            return False
        if line.state == "failed":
            since = self._failing.setdefault(case.name, time.perf_counter())
            return time.perf_counter() - since > _FAILED_S
        return line.state == "refused" or line.delivered + line.panics + line.dropped >= case.events

    def _elapsed_ms(self) -> float:
        return (time.perf_counter() - self._begun) * 1e3

    def _take(self, summary: Summary, panics: Sequence[PanicRow]) -> None:
        lines = {line.name: line for line in summary.observers}
        lost = self.listener.file.lost
        for case in self._guests:
            name, seen = observer_name(case), self.seen[case.name]
            line = lines.get(name)
            if line is not None and lost[name]:
                reports, dropped = line.reports - lost[name], line.reports_dropped + lost[name]
                line = replace(line, reports=reports, reports_dropped=dropped)
            seen.summary = line
            seen.panics = tuple(row for row in panics if row.observer == name)

    def lines(self) -> list[str]:
        """All that was written for people, but the log: reports, panics, names and reasons."""
        reports = (self._folder / "reports.ndjson").read_text("latin-1").split("\n")
        told = [reason for seen in self.seen.values() for reason in seen.rejected]
        for seen in self.seen.values():
            for row in seen.panics:
                told += (row.observer, row.hook, row.message, *row.backtrace)
            if seen.summary is not None:
                told += (seen.summary.reason or "", *(name for name, _ in seen.summary.metrics))
        return reports + told


def observer_name(case: Case) -> str:
    """What a case is called as an observer."""
    return case.name.replace("/", ".")


def _placed(settings: ObserverDefaults, name: str, folder: Path, module: bytes) -> ObserverConfig:
    path = folder / f"{name}.wasm"
    path.write_bytes(module)
    return settings.observer(name, path)
