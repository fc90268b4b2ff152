"""What a test wants to find among all that an observer has left, and what it says where it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from wasmhost.sandbox.outbox import CounterAdd, GaugeSet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wasmhost.sandbox.outbox import LogLine
    from wasmhost.sandbox.traps import TrapReport
    from wasmhost.testing.delivery import Report

_ANY: Final = object()
_SHOWN: Final = 20


class Checks:
    """The lists of what came, and assertions about them. A failure shows all there is to choose from."""

    def __init__(self, state: bytes | None = None) -> None:
        self.state = state
        self.logs: list[LogLine] = []
        self.reports: list[Report] = []
        self.metrics: list[CounterAdd | GaugeSet] = []
        self.errors: list[str] = []
        self.panics: list[TrapReport] = []

    @property
    def counters(self) -> dict[str, int]:
        """Each counter, summed up."""
        sums: dict[str, int] = {}
        for metric in self.metrics:
            if isinstance(metric, CounterAdd):
                sums[metric.name] = sums.get(metric.name, 0) + metric.by
        return sums

    @property
    def gauges(self) -> dict[str, float]:
        """Each gauge, as it was set last."""
        return {metric.name: metric.value for metric in self.metrics if isinstance(metric, GaugeSet)}

    def bodies(self, topic: str) -> list[Any]:
        """The bodies of all reports of a topic, decoded."""
        return [report.body for report in self.reports if report.topic == topic]

    def assert_report(self, topic: str, body: Any = _ANY) -> Report:
        """There is a report of this topic and, where one is given, with this body. Gives the first."""
        __tracebackhide__ = True
        for report in self.reports:
            if report.topic == topic and (body is _ANY or report.body == body):
                return report
        wanted = f"no report {topic!r}" + ("" if body is _ANY else f" with the body {body!r}")
        raise _missing(wanted, "reports", (f"{report.topic!r} {report.body!r}" for report in self.reports))

    def assert_no_reports(self) -> None:
        """Nothing was reported."""
        __tracebackhide__ = True
        if self.reports:
            found = (f"{report.topic!r} {report.body!r}" for report in self.reports)
            raise _missing("no report was expected", "reports", found)

    def assert_log(self, text: str, level: str | None = None) -> LogLine:
        """There is a log line with this text in it, of this level where one is given. Gives the first."""
        __tracebackhide__ = True
        for line in self.logs:
            if text in line.text and level in (None, line.level):
                return line
        wanted = f"no log line with {text!r}" + (f" at {level}" if level else "")
        raise _missing(wanted, "log lines", (f"{line.level}: {line.text}" for line in self.logs))

    def assert_counter(self, name: str, total: int) -> None:
        """The additions to this counter come to so much."""
        __tracebackhide__ = True
        if self.counters.get(name) != total:
            found = (f"{counter!r} {value}" for counter, value in self.counters.items())
            raise _missing(f"counter {name!r} does not come to {total}", "counters", found)

    def assert_gauge(self, name: str, value: float) -> None:
        """A gauge was set to this value last."""
        __tracebackhide__ = True
        if self.gauges.get(name) != value:
            found = (f"{gauge!r} {last}" for gauge, last in self.gauges.items())
            raise _missing(f"gauge {name!r} is not {value}", "gauges", found)

    def assert_state(self, state: bytes | None) -> None:
        """The blob it saved last is this one; None for nothing at all."""
        __tracebackhide__ = True
        if self.state != state:
            raise AssertionError(f"the state is {self.state!r}, not {state!r}")

    def assert_error(self, text: str) -> str:
        """One of the errors that its hooks returned has this text in it. Gives the first."""
        __tracebackhide__ = True
        for error in self.errors:
            if text in error:
                return error
        raise _missing(f"no error with {text!r}", "errors", self.errors)

    def assert_panic(self, text: str, kind: str | None = None) -> TrapReport:
        """One of its panics has this text in its message, and is of this kind, where one is given."""
        __tracebackhide__ = True
        for panic in self.panics:
            if text in panic.message and kind in (None, panic.kind):
                return panic
        wanted = f"no panic with {text!r}" + (f" of the kind {kind}" if kind else "")
        raise _missing(wanted, "panics", (f"{panic.kind}: {panic.message}" for panic in self.panics))


def _missing(wanted: str, what: str, found: Iterable[str]) -> AssertionError:
    """``wanted``, and below it all that there is."""
    lines = list(found)
    shown = "".join(f"\n  {line}" for line in lines[:_SHOWN])
    more = f"\n  … and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return AssertionError(f"{wanted}; {what}:{shown}{more}" if lines else f"{wanted}; there are no {what}")
