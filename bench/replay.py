"""The bytes of a day of polls: whole feeds, compressed, with 304, and with deltas.

The history of a folder is lived through again: the clock is set, and each article appears when it
was published. Pollers ask at their intervals as readers do; only the time between is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import EnvironBuilder, run_wsgi_app

from bench.articles import NEWEST
from bench.site import URL, open_app, web_of
from bench.tables import show
from feeds.model import FeedId

#: Real articles, where they are beside this checkout.
CORPUS = Path(__file__).parents[2] / "shared" / "corpus" / "power-apps"

#: Seconds between polls.
INTERVALS = (900, 1800, 3600)

DAY = 86_400

#: The header fields of each kind of poller, and True if it also sends its ETag.
MANNERS: dict[str, tuple[dict[str, str], bool]] = {
    "whole": ({}, False),
    "compressed": ({"HTTP_ACCEPT_ENCODING": "gzip"}, False),
    "304": ({"HTTP_ACCEPT_ENCODING": "gzip"}, True),
    "deltas": ({"HTTP_ACCEPT_ENCODING": "gzip", "HTTP_A_IM": "feed"}, True),
}


@dataclass
class Clock:
    """A clock that the bench sets: seconds UTC."""

    now: float

    def __call__(self) -> float:
        """The time now."""
        return self.now


@dataclass
class Poller:
    """A client that polls one feed and counts the bytes of each response, headers too."""

    manner: str
    interval: int
    environ: dict[str, Any]
    sent: int = 0
    #: The number of responses that were neither 304 nor a delta.
    wholes: int = 0

    def poll(self, call: Any) -> None:
        """Poll once, and keep the ETag as readers do."""
        body, status, headers = run_wsgi_app(call, dict(self.environ))
        length = sum(map(len, body))
        self.sent += length + sum(len(name) + len(value) + 4 for name, value in headers)
        self.wholes += status.startswith("200")
        if MANNERS[self.manner][1]:
            self.environ["HTTP_IF_NONE_MATCH"] = headers["ETag"]


@dataclass
class History:
    """A folder, and the days of it that are lived through again."""

    content: Path
    instance: Path
    path: str
    first: int
    days: int
    clock: Clock = field(init=False)

    def __post_init__(self) -> None:
        """Begin with the first day."""
        self.clock = Clock(self.first)

    def pollers(self) -> Iterator[Poller]:
        """Yield a poller for each manner and interval."""
        plain = EnvironBuilder(path=self.path, base_url=URL).get_environ()
        for manner, interval in product(MANNERS, INTERVALS):
            yield Poller(manner, interval, plain | MANNERS[manner][0])

    def run(self) -> tuple[int, list[Poller]]:
        """Return the number of articles that appeared, and the pollers at the end."""
        app, pollers = open_app(self.content, self.instance, self.clock), list(self.pollers())
        sync = web_of(app).sync
        due = sync.refresh().due
        before = _count(app)
        for moment in range(self.first, self.first + self.days * DAY, min(INTERVALS)):
            self.clock.now = moment
            if due is not None and due <= moment:
                due = sync.refresh([]).due
            for poller in pollers:
                if (moment - self.first) % poller.interval == 0:
                    poller.poll(app.wsgi_app)
        return _count(app) - before, pollers


def run(content: Path, work: Path) -> None:
    """Replay a day of invented articles, and a year of real ones where there are some."""
    newest = int(NEWEST.timestamp())
    _table("invented articles", History(content, work / "replay", "/all.rss", newest - DAY, 1))
    if CORPUS.is_dir():
        # 2020-05-30: a year of its days, an article every other day.
        history = History(CORPUS, work / "corpus", "/all.rss", 1_590_796_800, 365)
        _table("real articles, a year", history)


def _count(app: Flask) -> int:
    return web_of(app).catalog.feed_info(FeedId("all")).count


def _table(name: str, history: History) -> None:
    appeared, pollers = history.run()
    found = {(poller.manner, poller.interval): poller for poller in pollers}
    rows = []
    for interval in INTERVALS:
        first = found["whole", interval].sent
        for manner in MANNERS:
            poller = found[manner, interval]
            kilobytes = poller.sent / history.days / 1000
            saved = f"{100 * (1 - poller.sent / first):.2f} %"
            rows.append((f"{interval // 60} min", manner, kilobytes, saved, poller.wholes))
    head = ["a poll every", "asks for", "kB a day", "saved", "whole feeds"]
    show(f"Bytes of polls: {name}, {appeared / history.days:.3g} new a day", head, rows)
