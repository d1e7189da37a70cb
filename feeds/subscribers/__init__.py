"""The numbers of subscribers of the feeds."""

from feeds.subscribers.counting import SUBSCRIBERS, DayCount, Subscribers, latest
from feeds.subscribers.polls import PollCounter, log_lines, read_log
from feeds.subscribers.user_agents import LONGEST

__all__ = [
    "LONGEST",
    "SUBSCRIBERS",
    "DayCount",
    "PollCounter",
    "Subscribers",
    "latest",
    "log_lines",
    "read_log",
]
