"""The counters of the feeds that a refresh touched, and of their months."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from feeds.index.modification_times import CHANGES, FEED_CHANGES, SLACK, first_modified
from feeds.index.queries import NEIGHBOURS


def month_of(moment: int) -> str:
    """Return the month of a time, UTC: ``YYYY-MM``."""
    return _month_of_day(moment // 86_400)


@lru_cache(maxsize=4096)
def _month_of_day(day: int) -> str:
    # Called for each feed of each article: it took a sixth of the time of writing them.
    return datetime.fromtimestamp(day * 86_400, UTC).strftime("%Y-%m")


def month_range(month: str) -> tuple[int, int]:
    """Return the first and the last second of a month."""
    year, number = int(month[:4]), int(month[5:])
    first = datetime(year, number, 1, tzinfo=UTC)
    after = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return int(first.timestamp()), int(after.timestamp()) - 1


@dataclass(frozen=True, slots=True)
class FeedCounters:
    """Writes counts and times of feeds and of their months."""

    connection: sqlite3.Connection
    #: Seconds UTC.
    now: int
    #: The feeds and months that this refresh marks as changed in any case.
    months: Collection[tuple[str, str]]

    def count_in_feed(self, feed: str, delta: int) -> bool:
        """Add to the number of articles in a feed; return True if it was known before."""
        sql = f"UPDATE feed SET count = count + ?, {FEED_CHANGES} WHERE path = ?"
        done = self.connection.execute(sql, (delta, *(self.now - SLACK,) * 2, feed))
        if done.rowcount:
            return True
        # Lists show the time of its latest article, the same on every machine. Last-Modified is
        # another: after a loss of the index, the same time would come again for other articles.
        sql = "SELECT max(updated) FROM membership WHERE feed = ?"
        latest = self.connection.execute(sql, (feed,)).fetchone()[0]
        modified = first_modified(self.connection, self.now)
        values = (feed, delta, modified, latest or modified)
        self.connection.execute("INSERT INTO feed VALUES (?, ?, ?, NULL, ?)", values)
        return False

    def count_in_month(self, feed: str, month: str, delta: int) -> None:
        """Add to the number of articles in a month of a feed."""
        sql = "SELECT count FROM archive WHERE feed = ? AND month = ?"
        found = self.connection.execute(sql, (feed, month)).fetchone()
        if found is None:
            values = (feed, month, delta, first_modified(self.connection, self.now))
            self.connection.execute("INSERT INTO archive VALUES (?, ?, ?, ?, NULL)", values)
        else:
            sql = "UPDATE archive SET count = count + ? WHERE feed = ? AND month = ?"
            self.connection.execute(sql, (delta, feed, month))
            self._modify(feed, month, month)
        before = found[0] if found else 0
        if (before == 0) != (before + delta == 0):
            self._modify_neighbours(feed, month)

    def touch_all_months(self, feed: str) -> None:
        """Mark all months of a feed as changed, for instance after a change of its title."""
        self._modify(feed, "0000-00", "9999-99")

    def _modify_neighbours(self, feed: str, month: str) -> None:
        """Mark the months around one that appeared or vanished: they link to each other."""
        for (found,) in self.connection.execute(NEIGHBOURS, (feed, month) * 2).fetchall():
            if found and (feed, found) not in self.months:
                self._modify(feed, found, found)

    def _modify(self, feed: str, first: str, last: str) -> None:
        sql = f"UPDATE archive SET {CHANGES} WHERE feed = ? AND month BETWEEN ? AND ?"
        self.connection.execute(sql, (self.now - SLACK, feed, first, last))
