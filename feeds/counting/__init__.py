"""DOOR: numbers for operators, and the small files of the instance folder that keep them."""

from feeds.counting.agents import LONGEST
from feeds.counting.beat import Beat
from feeds.counting.counts import PASSED_ON, REQUESTS, Counts, Key, Seen
from feeds.counting.exposition import CONTENT_TYPE, Gauge, exposition
from feeds.counting.polls import PollCounter, log_lines, read_log
from feeds.counting.shared import FILE, SharedCounts
from feeds.counting.subscribers import SUBSCRIBERS, DayCount, Subscribers, latest

__all__ = [
    "CONTENT_TYPE",
    "FILE",
    "LONGEST",
    "PASSED_ON",
    "REQUESTS",
    "SUBSCRIBERS",
    "Beat",
    "Counts",
    "DayCount",
    "Gauge",
    "Key",
    "PollCounter",
    "Seen",
    "SharedCounts",
    "Subscribers",
    "exposition",
    "latest",
    "log_lines",
    "read_log",
]
