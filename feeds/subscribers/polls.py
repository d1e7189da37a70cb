"""Counting of subscribers by polls: those of this process, or from a log of a proxy."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO
from urllib.parse import unquote, urlsplit

from feeds.errors import StoreUnavailable
from feeds.logs import LogOnce
from feeds.metrics import Counters
from feeds.subscribers.counting import SUBSCRIBERS, DayCount, FeedPoll, Subscribers
from feeds.subscribers.user_agents import LONGEST
from feeds.urls import decoded, is_custom, read

log = logging.getLogger(__name__)

#: The lines of a log that are counted in one transaction, and the characters of one line: nginx
#: rejects a request whose line or header is larger than 32 kB.
LINES, LONGEST_LINE = 10_000, 100_000

_DAY = 86_400

#: nginx's and Apache's "combined" format: address, time, request, status, User-Agent.
_LINE = re.compile(
    r'(\S+) [^[]*\[(\d{2})/([A-Z][a-z]{2})/(\d{4}):[^]]*\] "GET (\S+) [^"]*" (?:200|226|304) \S+ '
    r'"[^"]*" "([^"]*)"'
)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class PollCounter:
    """A counter of the polls that wait in this process."""

    def __init__(
        self, counts: Counters, subscribers: Subscribers, clock: Callable[[], float]
    ) -> None:
        """Take the counters where polls wait, and the store of the counts."""
        self._counts = counts
        self._subscribers = subscribers
        self._clock = clock
        self._day = 0
        self._log_once = LogOnce(log, "polls are not counted now")

    def count(self) -> None:
        """Count all polls that wait; polls that cannot be stored are lost."""
        day = int(self._clock()) // _DAY
        records = self._counts.take_polls()
        # Many clients poll few feeds: each path is parsed once.
        feeds = {path: _feed(decoded(path)) for path in {record[0] for record in records}}
        polls = [
            FeedPoll(feed, decoded(path), agent, address)
            for path, agent, address in records
            if (feed := feeds[path]) is not None
        ]
        # A new day is recorded even without polls: its key must not outlive the day.
        if not polls and day == self._day:
            return
        try:
            self._subscribers.count(polls, day)
        except StoreUnavailable as error:
            self._log_once.report(error)
            return
        self._day = day
        self._log_once.clear()


def log_lines(log: TextIO) -> Iterator[str]:
    """Return the lines of a log; a line longer than any of nginx is cut into pieces."""
    return iter(partial(log.readline, LONGEST_LINE), "")


def read_log(lines: Iterable[str], site: str, today: int) -> list[DayCount]:
    """Count subscribers by the log of a proxy, oldest line first, as a node counts them.

    The same lines give the same counts, or nearly the same estimates: each day has a random key
    here, too, which is destroyed on return. Lines with a future date are skipped: one wrong date
    would end the counting of all later lines. One day is tolerated for the time zone of the proxy.
    """
    prefix = urlsplit(site).path
    with TemporaryDirectory() as folder:
        counted = Subscribers(Path(folder) / SUBSCRIBERS)
        parsed = (poll for line in lines if (poll := _parse(line, prefix)))
        past = (poll for poll in parsed if poll[0] <= today + 1)
        for day, polls in groupby(past, key=lambda each: each[0]):
            while batch := [poll for _, poll in islice(polls, LINES)]:
                counted.count(batch, day)
        return counted.days()


def _parse(line: str, prefix: str) -> tuple[int, FeedPoll] | None:
    found = _LINE.match(line)
    if found is None or found[3] not in _MONTHS or not found[5].startswith(f"{prefix}/"):
        return None
    try:
        day = date(int(found[4]), _MONTHS.index(found[3]) + 1, int(found[2])).toordinal()
    except ValueError:
        return None
    path = unquote(found[5].partition("?")[0].removeprefix(prefix))
    feed = _feed(path)
    if feed is None:
        return None
    poll = FeedPoll(feed, path, found[6][:LONGEST], found[1])
    return day - date(1970, 1, 1).toordinal(), poll


def _feed(path: str) -> str | None:
    """Return the path of the feed whose document a path names, if its polls are counted."""
    target = read(path.removeprefix("/"))
    if target is None or target.format is None or target.feed.month:
        return None
    # A client that invents a million mixes would fill the disk.
    return None if is_custom(target.feed) else target.feed.path
