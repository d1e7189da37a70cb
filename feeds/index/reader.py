"""The index: SQLite, a disposable copy of the folder, shared by all processes of a machine.

`reader` reads it, `writer` writes it. Readers see the last complete refresh and never wait. A
comparison with the revision, a number that all processes share, detects every change.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from feeds.articles import join, split, storable
from feeds.errors import ContentMismatch, IndexUnavailable, OutOfDate, WrongFile
from feeds.index.database import connect
from feeds.index.file_outcomes import IdClaims, decode_verified
from feeds.index.full_text import MATCHING, Condition, last_place, place
from feeds.index.queries import AFTER, FEEDS, HEAVIER, MONTHS, NEIGHBOURS, RECENT, ROWS
from feeds.index.shared_state import SharedState
from feeds.model import Article, Membership, Withdrawal
from feeds.sqlite import is_suspect

#: SQLite: "Do not open an SQLite database connection, then fork(), then try to use that database
#: connection in the child process." To close it is to use it.
_PARENTS: list[threading.local] = []


#: The most further articles of one second that a mix or a search puts in the order of ids. A date
#: that thousands share would make each invented address slow; of so many, those that were indexed
#: first are shown, and another machine or a new index may show others.
MOST_OF_A_SECOND = 1_000


@dataclass(frozen=True, slots=True)
class Row:
    """The data of an article in a feed that selection needs."""

    id: str
    published: int
    updated: int
    weight: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Month:
    """A month of a feed: ``YYYY-MM``, its number of articles, and the time of its last change."""

    name: str
    count: int
    #: Last-Modified: seconds UTC.
    modified: int
    #: Since when its last change can be seen.
    changed: int


@dataclass(frozen=True, slots=True)
class KnownFeed:
    """A feed that holds, or once held, articles."""

    path: str
    count: int
    #: Last-Modified: seconds UTC.
    modified: int
    #: Since when its last change can be seen.
    changed: int
    #: The time of its last change that lists show.
    shown: int
    #: The spelling of its name in most articles; None if its name comes from elsewhere.
    spelling: str | None
    #: When its newest article was published; None when it holds none.
    newest: int | None
    #: When an article was last withdrawn from it; None when none ever was.
    withdrawn: int | None
    #: The language of all its articles; None if they have several.
    language: str | None


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """Facts that the index stores about itself."""

    revision: int | None
    #: The settings and the version that it was built for; None until it is built.
    made_for: str | None
    #: The content folder that it was built from.
    content: str | None
    #: The number of missing files whose articles stay served until the loss is certain.
    held: int


class Index:
    """Reads the index over one connection a thread, opened again when the file was replaced."""

    def __init__(self, path: Path, shared: SharedState) -> None:
        """Take the file of the index, which need not be there yet."""
        self.path = path
        self.shared = shared
        self._local = threading.local()
        #: True in a server until the index was seen verified once: it reads no article before.
        self.awaits_verification = False

    def leave_to_parent(self) -> None:
        """Use none of the connections that were opened before a fork, nor close them."""
        _PARENTS.append(self._local)
        self._local = threading.local()

    def _connection(self) -> sqlite3.Connection:
        # A damaged index is replaced by a new file: a connection to the old one would never see
        # another change. Checked only when the revision moved, so that it costs nothing.
        revision = self.shared.revision()
        if getattr(self._local, "revision", None) != revision:
            inode = os.stat(self.path).st_ino
            if getattr(self._local, "inode", None) != inode:
                self._local.connection = self._opened()
                self._local.inode = inode
            self._local.revision = revision
        connection: sqlite3.Connection = self._local.connection
        return connection

    def _opened(self) -> sqlite3.Connection:
        connection = connect(self.path, read_only=True)
        # In an index that no refresh has filled yet, every feed would be missing.
        if not connection.execute("SELECT 1 FROM meta WHERE key = 'made-for'").fetchone():
            connection.close()
            raise IndexUnavailable("the index is not built yet: 'flask refresh' builds it")
        return connection

    def may_be_served(self) -> bool:
        """Return True if what the index holds may be served; commands may always read it."""
        if self.awaits_verification and self.shared.is_verified:
            self.awaits_verification = False
        return not self.awaits_verification

    def facts(self) -> IndexFacts:
        """Return what the index stores about itself, also before it may be served."""
        self._local.revision = None
        with self._as_ours():
            return IndexFacts(*self._connection().execute(_FACTS).fetchone())

    @contextmanager
    def _as_ours(self) -> Iterator[None]:
        try:
            yield
        except _FAILURES as error:
            self._local.revision = None
            if is_suspect(error):
                self.shared.mark_suspect()
            raise IndexUnavailable(f"the index cannot be read: {error}") from error

    def _all(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        with self._as_ours():
            if not self.may_be_served():
                raise IndexUnavailable(
                    "the index is being compared with the content folder: try again soon"
                )
            return self._connection().execute(sql, parameters).fetchall()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Make all reads inside see one revision."""
        with self._as_ours():
            connection = self._connection()
            if connection.in_transaction:
                yield
                return
            connection.execute("BEGIN")
            try:
                yield
            finally:
                connection.rollback()

    def known_feed(self, path: str) -> KnownFeed | None:
        """Return a feed that holds, or once held, articles."""
        found = self._all(f"{FEEDS} WHERE feed.path = ?", path)
        return KnownFeed(*found[0]) if found else None

    def known_feeds(self, below: str = "") -> list[KnownFeed]:
        """Return all feeds whose path begins with a prefix, by path."""
        sql = f"{FEEDS} WHERE feed.path > ? AND feed.path < ? ORDER BY feed.path"
        return [KnownFeed(*row) for row in self._all(sql, below, f"{below}\U0010ffff")]

    def weekly(self, path: str | None = None) -> dict[str, float]:
        """Return how many articles a week each feed has, or the one with a path.

        They are the articles of three months, at most, before its newest one: no clock has a part
        in it. Nothing is known of a feed with a single article.
        """
        paths = ("", "\U0010ffff") if path is None else (path, path)
        return {
            feed: count / max(1.0, (newest - max(first, oldest)) / _WEEK)
            for feed, count, first, newest, oldest in self._all(RECENT, *paths)
        }

    def rows(self, feed: str, until: int, limit: int, since: int = 0) -> list[Row]:
        """Return the newest articles of a feed, published from ``since`` until ``until``."""
        return [Row(*row) for row in self._all(ROWS, feed, since, until, limit)]

    def matching(self, condition: Condition, until: int, limit: int) -> list[Row]:
        """Return the newest articles that meet a condition, published until ``until``.

        Raise IndexUnavailable while an index of an older version is rebuilt.
        """
        if self._all("SELECT 1 FROM meta WHERE key = 'unsearchable'"):
            raise IndexUnavailable(
                "the index is being rebuilt for mixes and searches: try again soon"
            )
        found = self._all(MATCHING, condition.query, place(until, 0), last_place(_EARLIEST), limit)
        if len(found) == limit:
            # Articles of one second are not in order: those that follow may belong before the last.
            last, _, second, *_ = found[-1]
            end = last_place(second)
            found += self._all(MATCHING, condition.query, last + 1, end, MOST_OF_A_SECOND)
        rows = (Row(*row) for _, *row in found)
        return sorted(rows, key=lambda row: (-row.published, row.id))[:limit]

    def is_heavier(self, budget: int, feed: str, since: int, until: int) -> bool:
        """Return True if the articles of a feed in a period weigh more than a budget."""
        return bool(self._all(HEAVIER, budget, feed, since, until)[0][0])

    def newest_before(self, feed: str, last: Row) -> int | None:
        """When the article was published that follows ``last``; None when there is none."""
        found = self._all(AFTER, feed, last.published, last.published, last.id)
        return found[0][0] if found else None

    def months(self, feed: str) -> list[Month]:
        """Return the months of a feed that hold, or once held, articles, newest first."""
        return [Month(*row) for row in self._all(f"{MONTHS} ORDER BY month DESC", feed)]

    def month(self, feed: str, month: str) -> Month | None:
        """Return one month of a feed."""
        found = self._all(f"{MONTHS} AND month = ?", feed, month)
        return Month(*found[0]) if found else None

    def neighbours(self, feed: str, month: str) -> tuple[str | None, str | None]:
        """Return the months before and after this one that hold articles."""
        (before,), (after,) = self._all(NEIGHBOURS, feed, month, feed, month)
        return before, after

    def articles(self, rows: Sequence[Row]) -> list[Article]:
        """Return the articles of these rows, in their order.

        Raise OutOfDate when one is gone or looks different by now: a document made of it would
        be kept under the key of another.
        """
        found: dict[tuple[str, bytes], bytes] = {}
        for start in range(0, len(rows), 500):
            marks = ",".join("?" * len(chunk := rows[start : start + 500]))
            sql = f"SELECT id, hash, body FROM article WHERE id IN ({marks})"
            for id, hash, body in self._all(sql, *(row.id for row in chunk)):
                found[id, hash] = body
        try:
            bodies = [(found[row.id, row.hash], row.hash) for row in rows]
        except KeyError as error:
            raise OutOfDate(error.args[0][0]) from None
        with self._as_ours():
            return [decode_verified(*body) for body in bodies]

    def withdrawals(self, feed: str, limit: int) -> list[Withdrawal]:
        """Return the articles recently withdrawn from a feed, latest first."""
        sql = "SELECT id, moment FROM withdrawal WHERE feed = ? ORDER BY moment DESC, id LIMIT ?"
        return [Withdrawal(*row) for row in self._all(sql, feed, limit)]

    def feeds_of(self, path: str) -> list[str]:
        """Return the feeds that hold the article of a file; none if it is not served."""
        sql = "SELECT feeds FROM article WHERE folder = ? AND name = ?"
        found = self._all(sql, *split(storable(path)))
        with self._as_ours():
            decoded = [msgspec.json.decode(feeds, type=list[Membership]) for (feeds,) in found]
        return [membership.path for memberships in decoded for membership in memberships]

    def id_claims(self) -> IdClaims:
        """Return the file served for each id, and the files rejected because of theirs."""
        served = self._all("SELECT id, folder, name FROM article")
        refused = self._all("SELECT folder, name FROM file WHERE reason = 'collision'")
        return IdClaims(
            {id: join(folder, name) for id, folder, name in served},
            {join(folder, name) for folder, name in refused},
        )

    def owner_of(self, id: str) -> str | None:
        """Return the path of the file whose article has an id; None when none is served."""
        found = self._all("SELECT folder, name FROM article WHERE id = ?", id)
        return join(*found[0]) if found else None

    def tally(self) -> dict[str, int]:
        """Return the counts of files not served, by reason; ``served`` counts articles."""
        sql = "SELECT reason, count(*) FROM file WHERE reason IS NOT NULL GROUP BY reason"
        served = self._all("SELECT count FROM feed WHERE path = 'all'")
        return {"served": served[0][0] if served else 0, **dict(self._all(sql))}


#: Seconds.
_WEEK = 7 * 86_400

#: Before any article was published.
_EARLIEST = -(2**34)

_FACTS = """
SELECT (SELECT value FROM meta WHERE key = 'revision'),
       (SELECT value FROM meta WHERE key = 'made-for'),
       (SELECT value FROM meta WHERE key = 'content'),
       coalesce((SELECT value FROM meta WHERE key = 'held'), 0)"""

#: Why the index, or a value in it, cannot be read.
_FAILURES = (sqlite3.Error, OSError, msgspec.MsgspecError, ContentMismatch, WrongFile)
