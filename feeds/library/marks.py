"""Marks the feeds that a refresh touched: what each holds now, and a later Last-Modified."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from feeds.library.months import month_range
from feeds.library.queries import NEIGHBOURS

#: Seconds that Last-Modified stays behind the clock, so that ten changes within one second can
#: each be a second later than the one before and none of them in the future.
SLACK = 10


@dataclass(frozen=True, slots=True)
class Marks:
    """Writes counts and times of feeds and of their months."""

    connection: sqlite3.Connection
    #: Seconds UTC.
    now: int
    #: The feeds and months that are marked anyway.
    months: Collection[tuple[str, str]]

    def mark_feed(self, feed: str, delta: int) -> bool:
        """Count so many more articles in a feed; say whether it was known before."""
        sql = "UPDATE feed SET count = count + ?, modified = max(modified + 1, ?) WHERE path = ?"
        done = self.connection.execute(sql, (delta, self.now - SLACK, feed))
        if done.rowcount:
            return True
        # Nobody has seen it: the same time on every machine that reads the same content.
        sql = "SELECT max(updated) FROM membership WHERE feed = ?"
        latest = self.connection.execute(sql, (feed,)).fetchone()[0]
        values = (feed, delta, latest or self.now - SLACK)
        self.connection.execute("INSERT INTO feed VALUES (?, ?, ?)", values)
        return False

    def mark_month(self, feed: str, month: str, delta: int) -> None:
        """Count so many more articles in a month of a feed."""
        sql = "SELECT count FROM archive WHERE feed = ? AND month = ?"
        found = self.connection.execute(sql, (feed, month)).fetchone()
        if found is None:
            first, last = month_range(month)
            sql = "SELECT max(updated) FROM membership WHERE feed = ? AND published BETWEEN ? AND ?"
            latest = self.connection.execute(sql, (feed, first, last)).fetchone()[0]
            values = (feed, month, delta, latest or self.now - SLACK)
            self.connection.execute("INSERT INTO archive VALUES (?, ?, ?, ?)", values)
        else:
            sql = "UPDATE archive SET count = count + ? WHERE feed = ? AND month = ?"
            self.connection.execute(sql, (delta, feed, month))
            self._modify(feed, month, month)
        before = found[0] if found else 0
        if (before == 0) != (before + delta == 0):
            self._modify_neighbours(feed, month)

    def mark_all_months(self, feed: str) -> None:
        """All months of a feed show something new, such as its title."""
        self._modify(feed, "0000-00", "9999-99")

    def _modify_neighbours(self, feed: str, month: str) -> None:
        """The months around one that came or went change too: they name each other."""
        for (found,) in self.connection.execute(NEIGHBOURS, (feed, month) * 2).fetchall():
            if found and (feed, found) not in self.months:
                self._modify(feed, found, found)

    def _modify(self, feed: str, first: str, last: str) -> None:
        sql = """UPDATE archive SET modified = max(modified + 1, ?)
                 WHERE feed = ? AND month BETWEEN ? AND ?"""
        self.connection.execute(sql, (self.now - SLACK, feed, first, last))
