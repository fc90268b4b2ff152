"""The metrics in Prometheus' own words, for who scrapes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    UnknownMetricFamily,
)
from prometheus_client.exposition import choose_encoder

from wasmhost.host.hook_tally import Histogram
from wasmhost.telemetry.catalog import METRICS
from wasmhost.telemetry.points import buckets, scale

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client import Metric as Family

    from wasmhost.telemetry.catalog import Metric
    from wasmhost.telemetry.points import Point

_KINDS: Final = {
    "counter": CounterMetricFamily,
    "gauge": GaugeMetricFamily,
    "sum": GaugeMetricFamily,
    "histogram": HistogramMetricFamily,
    "unknown": UnknownMetricFamily,
}


class Exposition(NamedTuple):
    """A page for whoever scrapes, and what kind of text it is."""

    content_type: str
    body: bytes


class PrometheusPage:
    """Writes the page anew whenever it is asked for. From any thread."""

    def __init__(self, read: Callable[[], Iterable[Point]]) -> None:
        """``read`` gives the values as they are now."""
        self._read = read
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(self)
        ProcessCollector(registry=self._registry)  # of the host's own process

    def write(self, accept: str) -> Exposition:
        """Write it as the header ``Accept`` asks: as OpenMetrics, or as Prometheus' older text."""
        encode, content_type = choose_encoder(accept)
        return Exposition(content_type, encode(self._registry))

    def collect(self) -> Iterator[Family]:
        """Give the families of metrics; the face of a collector of prometheus_client."""
        families = {metric.name: _family(metric) for metric in METRICS}
        for point in self._read():
            _add(families[point.metric.name], point)
        yield from families.values()


def _family(metric: Metric) -> Family:
    family: Family = _KINDS[metric.kind](metric.prometheus, metric.help, labels=metric.labels)
    return family


def _add(family: Family, point: Point) -> None:
    value = point.value
    if isinstance(value, Histogram):
        assert isinstance(family, HistogramMetricFamily)  # noqa: S101 - by its kind
        found = buckets(point.metric, value)
        family.add_metric(point.labels, buckets=found, sum_value=value.sum * scale(point.metric))
        return
    assert isinstance(family, CounterMetricFamily | GaugeMetricFamily | UnknownMetricFamily)  # noqa: S101
    family.add_metric(point.labels, float(value))
