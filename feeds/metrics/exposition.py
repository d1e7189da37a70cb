"""The text format of Prometheus; the only module that uses its library."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric

from feeds.metrics.counters import BOUNDS, LOOKUPS, PASSED_ON, RENDERING, REQUESTS, Key

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

#: The counters with their help texts and labels.
_COUNTERS = (
    (REQUESTS, "Requests answered.", ("kind", "status", "coding")),
    (PASSED_ON, "Requests that were not answered from memory.", ()),
    (LOOKUPS, "Looks for a document in the cache behind the memory.", ("result",)),
)


@dataclass(frozen=True, slots=True)
class Gauge:
    """A current number, or several numbers by one label."""

    name: str
    help: str
    #: The numbers by value of the label; without a label, one number under "".
    values: Mapping[str, float]
    label: str = ""


def exposition(numbers: Mapping[Key, float], gauges: Iterable[Gauge]) -> bytes:
    """Render counters and gauges in the text format of Prometheus."""
    registry = CollectorRegistry()
    registry.register(_Collector((*map(_gauge, gauges), *_counted(numbers))))
    return generate_latest(registry)


class _Collector:
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families


def _gauge(gauge: Gauge) -> Metric:
    family = GaugeMetricFamily(gauge.name, gauge.help, labels=[gauge.label] if gauge.label else [])
    for label, value in sorted(gauge.values.items()):
        family.add_metric([label] if gauge.label else [], value)
    return family


def _counted(numbers: Mapping[Key, float]) -> Iterator[Metric]:
    for name, help, labels in _COUNTERS:
        family = CounterMetricFamily(name, help, labels=labels)
        for key in sorted(key for key in numbers if key[0] == name):
            family.add_metric([str(label) for label in key[1:]], numbers[key])
        yield family
    yield _rendering(numbers)


def _rendering(numbers: Mapping[Key, float]) -> Metric:
    bounds = (*BOUNDS, "+Inf")
    below = accumulate(numbers.get((RENDERING, bound), 0) for bound in bounds)
    family = HistogramMetricFamily(RENDERING, "Time to render a document, in all codings.")
    buckets = [(str(bound), count) for bound, count in zip(bounds, below, strict=True)]
    family.add_metric([], buckets, numbers.get((RENDERING, "sum"), 0))
    return family
