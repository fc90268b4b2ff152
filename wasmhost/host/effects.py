"""What a guest asked for, applied after its hook as its rates allow: logs, reports, metrics, state."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from wasmhost.host.lines import ObserverLines
from wasmhost.host.rates import Meters
from wasmhost.sandbox.outbox import CounterAdd
from wasmhost.sinks import ReportRecord

if TYPE_CHECKING:
    from wasmhost.config import Rates
    from wasmhost.contract.codec import Frame
    from wasmhost.host.counters import Counters
    from wasmhost.host.ports import ReportTaker, StateKeeper
    from wasmhost.sandbox.outbox import Effects, LogLine, Report

MAX_LINES: Final = 100
"""Log lines of one delivery that are written; a Go panic takes some 70."""
MAX_METRICS: Final = 256
"""Names of metrics an observer may have."""

# The event is always these two words and the guest's own are a field beside its name, so that no
# guest can word a line that looks like one of the host's.
_GUEST_LINE: Final = "guest log"
_LEVELS: Final = {"trace": "debug", "warn": "warning"}  # the others are called the same
_log: Final = structlog.stdlib.get_logger("wasmhost.guest")


class EffectApplier:
    """Applies the effects of one observer. Used by one thread at a time.

    ``now`` is always a time of the clock that `wasmhost.host.rates` describes. ``state`` is the observer's
    latest, written already or not: a sandbox that is made meanwhile gets that. ``lines`` has what is to
    be told of what was suppressed; while ``lines.owing``, `settle` should be called as time goes on.
    """

    def __init__(
        self,
        observer: str,
        counters: Counters,
        reports: ReportTaker,
        states: StateKeeper,
        rates: Rates | None = None,
        lines: ObserverLines | None = None,
    ) -> None:
        """``rates`` None: no bounds but those of a delivery."""
        self.metrics: dict[str, float] = {}
        self.state = states.load(observer)
        self.lines = lines or ObserverLines(observer)
        self._observer = observer
        self._counters = counters
        self._reports = reports
        self._states = states
        self._meters = Meters.of(rates)
        self._unsaved = False

    def apply(self, effects: Effects, hook: str, frame: Frame | None, now: float = 0.0) -> None:
        """Apply what a delivery asked for; ``frame`` is None for what came from initialisation."""
        counters = self._counters
        counters.logs_dropped += effects.logs_dropped
        counters.reports_dropped += effects.dropped
        counters.state_refused += effects.state_refused
        if effects.logs:
            self._write(effects.logs, hook, frame, now)
        for report in effects.reports:
            if frame is not None and self._send(report, frame, now):
                counters.reports += 1
            else:  # one made before any event is about nothing that happened
                counters.reports_dropped += 1
        for metric in effects.metrics:
            self._measure(metric.name, metric.by if isinstance(metric, CounterAdd) else None, metric[1])
        if effects.state is not None:
            self._keep(effects.state, now)
        if self.lines.owing:
            self.settle(now)

    def settle(self, now: float) -> None:
        """Write the state that had to wait, and tell what is to be told, where it is time."""
        if self._unsaved and self.state is not None and self._meters.state.admits(len(self.state), now):
            self._save(self.state)
        self.lines.settle(now)
        self.lines.owing = self.lines.owing or self._unsaved

    def close(self) -> None:
        """Write and tell all that waits."""
        if self._unsaved and self.state is not None:
            self._save(self.state)
        self.lines.close()

    def _write(self, lines: tuple[LogLine, ...], hook: str, frame: Frame | None, now: float) -> None:
        seq = frame.seq if frame is not None else None
        written = 0
        # Where the log can't be written, say for a closed stderr, the lines are lost and nothing else.
        with suppress(Exception):
            for level, text in lines[:MAX_LINES]:
                if not self._admits(text, now):
                    continue
                method = _LEVELS.get(level, level)
                getattr(_log, method)(_GUEST_LINE, observer=self._observer, hook=hook, seq=seq, message=text)
                written += 1
        self._counters.logs += written
        self._counters.logs_dropped += len(lines) - written

    def _admits(self, line: str, now: float) -> bool:
        size = len(line) if line.isascii() else len(line.encode())
        if self._meters.logs.admits(size, now):
            return True
        self._counters.suppressed_logs += 1
        self._counters.suppressed_log_bytes += size
        self.lines.suppress("logs")
        self.lines.suppress("log_bytes", size)
        return False

    def _send(self, report: Report, frame: Frame, now: float) -> bool:
        size = len(report.topic) + len(report.body)
        if not self._meters.reports.admits(size, now):
            self._counters.suppressed_reports += 1
            self._counters.suppressed_report_bytes += size
            self.lines.suppress("reports")
            self.lines.suppress("report_bytes", size)
            return False
        return self._reports.put(
            ReportRecord(self._observer, frame.src or "", frame.seq, frame.at, report.topic, report.body)
        )

    def _keep(self, state: bytes, now: float) -> None:
        """Take a new state; of those that come too fast only the latest is written, later."""
        self.state = state
        if self._meters.state.admits(len(state), now):
            self._save(state)
            return
        self._unsaved = True
        self._counters.suppressed_state += 1
        self.lines.suppress("state")

    def _save(self, state: bytes) -> None:
        self._unsaved = False
        self._states.save(self._observer, state)

    def _measure(self, name: str, by: int | None, value: float) -> None:
        if name not in self.metrics and len(self.metrics) >= MAX_METRICS:
            self._counters.reports_dropped += 1
            self._counters.suppressed_metrics += 1
            self.lines.suppress("metrics")
        elif by is None:
            self.metrics[name] = value
        else:
            self.metrics[name] = self.metrics.get(name, 0) + by
