"""The page of the subscribers of each feed by day, for operators: in English, as the log is."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from feeds.catalog import Catalog
from feeds.languages import ENGLISH
from feeds.model import FeedId
from feeds.subscribers import DayCount, latest
from feeds.web import view_models
from feeds.web.page_rendering import render

#: Days in a plot.
DAYS = 30

#: Feeds on the page: those with the most subscribers.
FEEDS = 200

#: Pixels: the size of a plot, and the width of a day in it.
WIDTH, HEIGHT, STEP = 300, 48, 10

_DAY = 86_400


@dataclass(frozen=True, slots=True)
class _Row:
    """A feed with its latest count and the counts of the last days."""

    link: view_models.Link
    latest: DayCount
    #: Days and their subscribers, latest first.
    days: tuple[tuple[str, int], ...]
    most: int
    #: The bars as an SVG path.
    bars: str


def subscribers_page(catalog: Catalog, counts: Sequence[DayCount], today: int) -> bytes:
    """Return the page; ``today`` counts days since 1970, as ``counts`` does."""
    by_feed: defaultdict[str, list[DayCount]] = defaultdict(list)
    for count in counts:
        by_feed[count.feed].append(count)
    rows = [_row(catalog, last, by_feed[last.feed], today) for last in latest(counts, today)]
    title = f"Subscribers — {catalog.files.site.title}"
    return render(
        "subscribers.html",
        frame=replace(view_models.frame(catalog.files.site, catalog.urls), language=ENGLISH),
        rows=rows[:FEEDS],
        left_out=len(rows[FEEDS:]),
        days=DAYS,
        width=WIDTH,
        height=HEIGHT,
        title=title,
        description="How many subscribe to each feed.",
    )


def _row(catalog: Catalog, last: DayCount, counts: list[DayCount], today: int) -> _Row:
    first = today - DAYS + 1
    shown = [count for count in counts if first <= count.day <= today]
    most = max((count.total for count in shown), default=0)
    page = catalog.urls.local(catalog.urls.page(FeedId(last.feed)))
    return _Row(
        link=view_models.Link(last.feed, page),
        latest=last,
        days=tuple((ENGLISH.day(count.day * _DAY), count.total) for count in reversed(shown)),
        most=most,
        bars="".join(_bar(count.day - first, count.total / most) for count in shown if most),
    )


def _bar(day: int, share: float) -> str:
    height = round(share * HEIGHT, 1)
    return f"M{day * STEP + 1} {HEIGHT}v-{height}h{STEP - 2}v{height}z"
