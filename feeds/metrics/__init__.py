"""Prometheus metrics: the counters of all processes, and gauges."""

from feeds.metrics.counters import PASSED_ON, REQUESTS, Counters, PollRecord
from feeds.metrics.exposition import CONTENT_TYPE, Gauge, exposition
from feeds.metrics.shared_counters import FILE, SharedCounters

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
