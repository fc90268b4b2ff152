"""What a guest asked for, applied after its hook: log lines, reports, metrics, state."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

import structlog

from wasmhost.sandbox.outbox import CounterAdd
from wasmhost.sinks import ReportRecord

if TYPE_CHECKING:
    from wasmhost.contract.codec import Frame
    from wasmhost.host.counters import Counters
    from wasmhost.host.reports import ReportQueue
    from wasmhost.host.state import StateStore
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
    """Applies the effects of one observer. Used by one thread at a time."""

    def __init__(self, observer: str, counters: Counters, reports: ReportQueue, states: StateStore) -> None:
        self.metrics: dict[str, float] = {}
        self.state = states.load(observer)
        self._observer = observer
        self._counters = counters
        self._reports = reports
        self._states = states

    def apply(self, effects: Effects, hook: str, frame: Frame | None) -> None:
        """Apply what a delivery asked for; ``frame`` is None for what came from initialisation."""
        counters = self._counters
        counters.logs_dropped += effects.logs_dropped
        counters.reports_dropped += effects.dropped
        counters.state_refused += effects.state_refused
        if effects.logs:
            self._write(effects.logs, hook, frame)
        for report in effects.reports:
            if frame is not None and self._send(report, frame):
                counters.reports += 1
            else:  # one made before any event is about nothing that happened
                counters.reports_dropped += 1
        for metric in effects.metrics:
            self._measure(metric.name, metric.by if isinstance(metric, CounterAdd) else None, metric[1])
        if effects.state is not None:
            self.state = effects.state
            self._states.save(self._observer, effects.state)

    def _write(self, lines: tuple[LogLine, ...], hook: str, frame: Frame | None) -> None:
        seq = frame.seq if frame is not None else None
        written = 0
        # Where the log can't be written, say for a closed stderr, the lines are lost and nothing else.
        with suppress(Exception):
            for level, text in lines[:MAX_LINES]:
                method = _LEVELS.get(level, level)
                getattr(_log, method)(_GUEST_LINE, observer=self._observer, hook=hook, seq=seq, message=text)
                written += 1
        self._counters.logs += written
        self._counters.logs_dropped += len(lines) - written

    def _send(self, report: Report, frame: Frame) -> bool:
        return self._reports.put(
            ReportRecord(self._observer, frame.src or "", frame.seq, frame.at, report.topic, report.body)
        )

    def _measure(self, name: str, by: int | None, value: float) -> None:
        if name not in self.metrics and len(self.metrics) >= MAX_METRICS:
            self._counters.reports_dropped += 1
        elif by is None:
            self.metrics[name] = value
        else:
            self.metrics[name] = self.metrics.get(name, 0) + by
