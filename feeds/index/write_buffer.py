"""Rows that wait to be written together: in the order of their table, each page of it once."""

import sqlite3
from collections import Counter
from dataclasses import dataclass, field

#: Rows of memberships that wait at most: 30 MB. Written one by one, an index of 100,000 articles
#: took 400 µs an article, half of it for spellings, of which there are few.
MOST = 100_000

#: As in the table: feed, published, id, updated, weight, hash.
_Row = tuple[str, int, str, int, int, bytes]


@dataclass(slots=True)
class WriteBuffer:
    """Memberships and spellings of one transaction that are not in the tables yet."""

    connection: sqlite3.Connection
    _memberships: list[_Row] = field(default_factory=list)
    _spellings: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add_membership(self, row: _Row) -> None:
        """Add a row of the table of memberships."""
        self._memberships.append(row)
        if len(self._memberships) >= MOST:
            self.write_memberships()

    def count_spelling(self, feed: str, name: str, delta: int) -> None:
        """Count one article more, or less, that spells the name of a feed in a given way."""
        self._spellings[feed, name] += delta

    def write_memberships(self) -> None:
        """Put the memberships into their table: before anything is removed from it."""
        if self._memberships:
            sql = "INSERT INTO membership VALUES (?, ?, ?, ?, ?, ?)"
            self._memberships.sort(key=_place)
            self.connection.executemany(sql, self._memberships)
            self._memberships.clear()

    def write(self) -> None:
        """Put all into the tables."""
        self.write_memberships()
        sql = """INSERT INTO spelling VALUES (?, ?, ?)
                 ON CONFLICT DO UPDATE SET count = count + excluded.count"""
        rows = [(*key, delta) for key, delta in self._spellings.items() if delta]
        self.connection.executemany(sql, rows)
        self._spellings.clear()


def _place(row: _Row) -> tuple[str, int]:
    return row[0], -row[1]
