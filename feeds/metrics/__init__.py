"""Prometheus metrics: the counters of all processes, and gauges."""

from feeds.metrics.counters import (
    FILE,
    PASSED_ON,
    REQUESTS,
    Counters,
    SharedCounters,
)
from feeds.metrics.exposition import CONTENT_TYPE, Gauge, exposition

__all__ = [
    "CONTENT_TYPE",
    "FILE",
    "PASSED_ON",
    "REQUESTS",
    "Counters",
    "Gauge",
    "SharedCounters",
    "exposition",
]
