"""Prometheus metrics: the counters of all processes, and gauges."""

from feeds.metrics.counters import (
    FILE,
    PASSED_ON,
    REQUESTS,
    Counters,
    PollRecord,
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
    "PollRecord",
    "SharedCounters",
    "exposition",
]
