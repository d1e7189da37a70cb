"""Polls: from the front of this process, or from the log of a proxy, to counts of subscribers."""

import logging
import re
from collections import deque
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
from feeds.metrics import PollRecord
from feeds.subscribers.store import SUBSCRIBERS, DayCount, Poll, Subscribers
from feeds.subscribers.user_agents import LONGEST
from feeds.urls import read

log = logging.getLogger(__name__)

#: Lines of a log that are counted at once, and characters of one: a request's line and headers
#: are at most 32 kB each, or nginx refuses it.
LINES, LONGEST_LINE = 10_000, 100_000

_DAY = 86_400

#: nginx's and Apache's "combined" format: address, time, request, status, User-Agent.
_LINE = re.compile(
    r'(\S+) [^[]*\[(\d{2})/([A-Z][a-z]{2})/(\d{4}):[^]]*\] "GET (\S+) [^"]*" (?:200|226|304) \S+ '
    r'"[^"]*" "([^"]*)"'
)
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


class PollCounter:
    """Counters what the front of this process has seen, a little later."""

    def __init__(
        self, seen: deque[PollRecord], subscribers: Subscribers, clock: Callable[[], float]
    ) -> None:
        """Take the queue that the front fills, and where the counts are kept."""
        self._seen = seen
        self._subscribers = subscribers
        self._clock = clock
        self._day = 0
        self._log_once = LogOnce(log, "polls are not counted now")

    def count(self) -> None:
        """Count all that is in the queue; what cannot be kept is lost."""
        day = int(self._clock()) // _DAY
        # Who polls many times within a second is looked at once.
        some = dict.fromkeys(self._seen.popleft() for _ in range(len(self._seen)))
        polls = [poll for path, agent, who in some if (poll := _poll(_text(path), agent, who))]
        # Also without polls: the key of a day must not outlive it.
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
    """The lines of a log, one that is longer than nginx writes any in pieces."""
    return iter(partial(log.readline, LONGEST_LINE), "")


def read_log(lines: Iterable[str], site: str, today: int) -> list[DayCount]:
    """Count subscribers by the log of a proxy, oldest line first, as a node would have.

    The same lines give the same counts, nearly where they are estimates: each day has a key of its
    own here, too, which is gone when this returns. Lines of days to come are left out: one with a
    wrong date would be the last that counts. Where the log is written it may be tomorrow already.
    """
    prefix = urlsplit(site).path
    with TemporaryDirectory() as folder:
        counted = Subscribers(Path(folder) / SUBSCRIBERS)
        read_ones = (poll for line in lines if (poll := _read(line, prefix)))
        found = (poll for poll in read_ones if poll[0] <= today + 1)
        for day, polls in groupby(found, key=lambda each: each[0]):
            while some := [poll for _, poll in islice(polls, LINES)]:
                counted.count(some, day)
        return counted.days()


def _read(line: str, prefix: str) -> tuple[int, Poll] | None:
    found = _LINE.match(line)
    if found is None or found[3] not in _MONTHS or not found[5].startswith(f"{prefix}/"):
        return None
    try:
        day = date(int(found[4]), _MONTHS.index(found[3]) + 1, int(found[2])).toordinal()
    except ValueError:
        return None
    path = unquote(found[5].partition("?")[0].removeprefix(prefix))
    poll = _poll(path, found[6][:LONGEST], found[1])
    return (day - date(1970, 1, 1).toordinal(), poll) if poll else None


def _poll(path: str, agent: str, address: str) -> Poll | None:
    target = read(path.removeprefix("/"))
    if target is None or target.format is None or target.feed.month:
        return None
    return Poll(target.feed.path, path, agent, address)


def _text(path: str) -> str:
    """WSGI gives each byte of a path as one character."""
    return path.encode("latin-1", "replace").decode("utf-8", "replace")
