"""DOOR: numbers for operators, and the small files of the instance folder that keep them."""

from feeds.counting.beat import Beat
from feeds.counting.counts import PASSED_ON, REQUESTS, Counts, Key
from feeds.counting.exposition import CONTENT_TYPE, Gauge, exposition
from feeds.counting.shared import FILE, SharedCounts

__all__ = [
    "CONTENT_TYPE",
    "FILE",
    "PASSED_ON",
    "REQUESTS",
    "Beat",
    "Counts",
    "Gauge",
    "Key",
    "SharedCounts",
    "exposition",
]
