"""The metrics by OpenTelemetry's API: nothing happens until an SDK asks, and without one it never does.

All instruments are asynchronous, so that no event pays for them. The API has no asynchronous histogram, so a
histogram is told as two counters: the ``.sum`` of all values, and its ``.bucket`` counts with an upper bound
as a label, as Prometheus has them.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from opentelemetry import metrics
from opentelemetry.metrics import Observation

from wasmhost.host.hook_tally import Histogram
from wasmhost.telemetry.catalog import LABELS, METRICS
from wasmhost.telemetry.points import buckets, scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider

    from wasmhost.telemetry.catalog import Metric
    from wasmhost.telemetry.points import Point

SCOPE: Final = "wasmhost"
SUM: Final = ".sum"
BUCKET: Final = ".bucket"

_LE: Final = LABELS["le"]


def instrument(
    read: Callable[[], Iterable[Point]], version: str, provider: MeterProvider | None = None
) -> None:
    """Make an instrument of each metric; ``read`` gives the values as they are when it is called.

    ``provider`` is the process's own by default, also one that is set later.
    """
    meter = metrics.get_meter(SCOPE, version, meter_provider=provider)
    moment = _Moment(read)
    for metric in METRICS:
        if metric.kind == "histogram":
            _counter(meter, metric, SUM, moment, _sums)
            _counter(meter, metric, BUCKET, moment, _buckets)
        elif metric.kind == "counter":
            _counter(meter, metric, "", moment, _values)
        else:
            create = (
                meter.create_observable_up_down_counter
                if metric.kind == "sum"
                else meter.create_observable_gauge
            )
            create(metric.name, [_callback(metric, "", moment, _values)], metric.unit, metric.help)


class _Moment:
    """The values of one moment, for all instruments that are asked one after the other.

    Whoever collects asks each once. So where one is asked again, it is another collection, and values are
    read anew.
    """

    def __init__(self, read: Callable[[], Iterable[Point]]) -> None:
        self._read = read
        self._lock = threading.Lock()
        self._asked: set[str] = set()
        self._points: dict[str, list[Point]] = {}

    def of(self, metric: Metric, part: str) -> list[Point]:
        """Give the values of one metric."""
        key = metric.name + part
        with self._lock:
            if key in self._asked or not self._asked:
                self._asked.clear()
                self._points = {}
                for point in self._read():
                    self._points.setdefault(point.metric.name, []).append(point)
            self._asked.add(key)
            return self._points.get(metric.name, [])


def _counter(
    meter: Meter, metric: Metric, part: str, moment: _Moment, observe: Callable[[Point], list[Observation]]
) -> None:
    unit = "1" if part == BUCKET else metric.unit
    callback = _callback(metric, part, moment, observe)
    meter.create_observable_counter(metric.name + part, [callback], unit, metric.help)


def _callback(
    metric: Metric, part: str, moment: _Moment, observe: Callable[[Point], list[Observation]]
) -> Callable[[CallbackOptions], list[Observation]]:
    def callback(_options: CallbackOptions) -> list[Observation]:
        return [each for point in moment.of(metric, part) for each in observe(point)]

    return callback


def _attributes(point: Point) -> dict[str, str]:
    labels = zip(point.metric.labels, point.labels, strict=True)
    return {LABELS[label]: value for label, value in labels}


def _values(point: Point) -> list[Observation]:
    assert not isinstance(point.value, Histogram)  # noqa: S101 - by its kind
    return [Observation(point.value, _attributes(point))]


def _sums(point: Point) -> list[Observation]:
    assert isinstance(point.value, Histogram)  # noqa: S101 - likewise
    return [Observation(point.value.sum * scale(point.metric), _attributes(point))]


def _buckets(point: Point) -> list[Observation]:
    assert isinstance(point.value, Histogram)  # noqa: S101 - likewise
    attributes = _attributes(point)
    return [
        Observation(count, {**attributes, _LE: bound}) for bound, count in buckets(point.metric, point.value)
    ]
