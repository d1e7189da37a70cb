"""Writes the outcomes of a refresh to the index, in one transaction, with the counters of feeds.

Every feed whose change a subscriber can see gets a later Last-Modified here, and no other does.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import msgspec

from feeds.articles import join
from feeds.index.feed_counters import FeedCounters, month_of
from feeds.index.file_outcomes import FileOutcome, IndexEntry
from feeds.index.full_text import TokenBuffer, clear_tokens, place, searchable_text
from feeds.index.modification_times import SITE, mark_everything
from feeds.index.queries import LANGUAGE, SPELLING
from feeds.index.sync_state import WITHDRAWAL_SECONDS
from feeds.model import Article, Membership

#: The most rows of memberships in the buffer: 30 MB. Written one by one, an index of 100,000
#: articles took 400 µs an article, half of it for spellings, of which there are few.
MOST_BUFFERED = 100_000

#: As in the table: feed, published, id, updated, weight, hash.
_Row = tuple[str, int, str, int, int, bytes]


def made_for(fingerprint: bytes) -> str:
    """Return the name of the code and the settings that an index is built for."""
    return fingerprint.hex()


def clear(connection: sqlite3.Connection, now: int) -> None:
    """Empty the index to read all files again; every document may look different then.

    Times stay, and get later: Last-Modified never goes back.
    """
    _empty(connection)
    mark_everything(connection, now)


def forget_folder(connection: sqlite3.Connection) -> None:
    """Empty the index of another content folder: announce no withdrawal, hold nothing back.

    Its feeds stay for now: those that the new folder has too keep their times.
    """
    _empty(connection)
    for table in ("withdrawal", "loss"):
        connection.execute(f"DELETE FROM {table}")
    connection.execute("DELETE FROM meta WHERE key IN ('made-for', 'held-since')")


def _empty(connection: sqlite3.Connection) -> None:
    """Remove all files and articles; feeds and months stay, with no article."""
    for table in ("file", "article", "picture", "membership", "spelling", "language"):
        connection.execute(f"DELETE FROM {table}")
    clear_tokens(connection)
    for table in ("feed", "archive"):
        connection.execute(f"UPDATE {table} SET count = 0")


def drop_empty_feeds(connection: sqlite3.Connection) -> None:
    """Forget the feeds and months that only another content folder had articles in."""
    connection.execute("DELETE FROM feed WHERE count = 0 AND path <> ''")
    connection.execute("DELETE FROM archive WHERE count = 0 AND feed <> ''")


@dataclass(slots=True)
class WriteBuffer:
    """Memberships, spellings and languages of one transaction that are not in the tables yet."""

    connection: sqlite3.Connection
    _memberships: list[_Row] = field(default_factory=list)
    _spellings: Counter[tuple[str, str]] = field(default_factory=Counter)
    _languages: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add_membership(self, row: _Row) -> None:
        """Add a row of the table of memberships."""
        self._memberships.append(row)
        if len(self._memberships) >= MOST_BUFFERED:
            self.write_memberships()

    def count(self, membership: Membership, delta: int) -> None:
        """Count one article more, or less, by how it spells a feed's name, and by its language."""
        feed, spelling, language = membership
        if spelling is not None:
            self._spellings[feed, spelling] += delta
        if language is not None:
            self._languages[feed, language] += delta

    def write_memberships(self) -> None:
        """Write the memberships to their table, before any row is removed from it."""
        if self._memberships:
            sql = "INSERT INTO membership VALUES (?, ?, ?, ?, ?, ?)"
            # In the order of the table, so that each of its pages is written once.
            self._memberships.sort(key=_place)
            self.connection.executemany(sql, self._memberships)
            self._memberships.clear()

    def write(self) -> None:
        """Write all rows to their tables."""
        self.write_memberships()
        for table, counts in (("spelling", self._spellings), ("language", self._languages)):
            sql = f"""INSERT INTO {table} VALUES (?, ?, ?)
                      ON CONFLICT DO UPDATE SET count = count + excluded.count"""
            rows = [(*key, delta) for key, delta in counts.items() if delta]
            self.connection.executemany(sql, rows)
            counts.clear()


def _place(row: _Row) -> tuple[str, int]:
    return row[0], -row[1]


@dataclass(slots=True)
class IndexWriter:
    """Writes the changes of one refresh, in one transaction, and marks the feeds they touch."""

    connection: sqlite3.Connection
    #: Seconds UTC.
    now: int
    #: Returns True if the file of a served article still exists at its path.
    is_there: Callable[[str], bool]
    #: Takes a folder and a name; returns True if the article of that file was served before.
    was_served: Callable[[str, str], bool]
    _buffer: WriteBuffer = field(init=False)
    _tokens: TokenBuffer = field(init=False)
    _counts: Counter[str] = field(default_factory=Counter)
    _months: Counter[tuple[str, str]] = field(default_factory=Counter)
    _headings: dict[str, tuple[str | None, str | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with empty buffers."""
        self._buffer = WriteBuffer(self.connection)
        self._tokens = TokenBuffer(self.connection)

    @property
    def has_visible_changes(self) -> bool:
        """Return True if any subscriber could see a difference."""
        return bool(self._counts)

    def known_outcome(self, outcome: FileOutcome) -> tuple[object, ...] | None:
        """Return the stored outcome of a file, if any."""
        sql = "SELECT reason, line, key, message FROM file WHERE folder = ? AND name = ?"
        found = self.connection.execute(sql, (outcome.folder, outcome.name)).fetchone()
        return tuple(found) if found else None

    def apply(self, outcome: FileOutcome) -> FileOutcome:
        """Store the outcome of a file, and its article if it has one; return what was stored."""
        outcome = self._resolve_collision(outcome)
        self._keep_file(outcome)
        if outcome.entry is not None:
            self._replace(outcome.folder, outcome.name, outcome.entry)
        elif outcome.withdraws:
            self.withdraw_article(outcome.folder, outcome.name)
        return outcome

    def paths_awaiting_id(self) -> list[str]:
        """Return the paths of files refused because of an id that no article has any more."""
        sql = """SELECT folder, name FROM file WHERE reason = 'collision'
                 AND id NOT IN (SELECT id FROM article)"""
        return sorted(join(*row) for row in self.connection.execute(sql))

    def remove_file(self, folder: str, name: str) -> None:
        """Remove a missing file, and its article with it."""
        sql = "DELETE FROM file WHERE folder = ? AND name = ?"
        self.connection.execute(sql, (folder, name))
        self.withdraw_article(folder, name)

    def withdraw_article(self, folder: str, name: str) -> None:
        """Withdraw the article of a file; its feeds announce that for some days."""
        sql = "SELECT id FROM article WHERE folder = ? AND name = ?"
        found = self.connection.execute(sql, (folder, name)).fetchone()
        if found:
            self._withdraw(found[0])

    def withdraw_expired(self) -> None:
        """Withdraw the articles that are past their expiry, also those of broken or lost files."""
        sql = "SELECT id FROM article WHERE expires <= ?"
        for (id,) in self.connection.execute(sql, (self.now,)).fetchall():
            self._withdraw(id)

    def drop_old_withdrawals(self) -> None:
        """Stop announcing withdrawals after their days."""
        before = self.now - WITHDRAWAL_SECONDS
        sql = "SELECT DISTINCT feed FROM withdrawal WHERE moment <= ?"
        for (feed,) in self.connection.execute(sql, (before,)).fetchall():
            self._touch_feed(feed, 0)
        self.connection.execute("DELETE FROM withdrawal WHERE moment <= ?", (before,))

    def finish(self) -> None:
        """Write the buffer; give every touched feed and month its new count and a later time."""
        self._buffer.write()
        self._tokens.write()
        if self.has_visible_changes:
            # Lists of feeds change with any of them.
            self._touch_feed(SITE, 0)
        counters = FeedCounters(self.connection, self.now, self._months)
        for feed, delta in self._counts.items():
            is_known = counters.count_in_feed(feed, delta)
            if is_known and self._heading(feed) != self._headings[feed]:
                counters.touch_all_months(feed)
        for (feed, month), delta in self._months.items():
            counters.count_in_month(feed, month, delta)

    def _resolve_collision(self, outcome: FileOutcome) -> FileOutcome:
        """Refuse a file whose id is that of a served file, as long as that file is there."""
        if outcome.entry is None:
            return outcome
        sql = "SELECT folder, name FROM article WHERE id = ?"
        found = self.connection.execute(sql, (outcome.entry.id,)).fetchone()
        owner = join(*found) if found else outcome.path
        if owner == outcome.path or not self.is_there(owner):
            return outcome
        return outcome.refused_for(owner, self.was_served(*found))

    def _keep_file(self, outcome: FileOutcome) -> None:
        values = (
            outcome.folder, outcome.name, outcome.stamp, outcome.id, outcome.reason,
            outcome.line, outcome.key, outcome.message, outcome.due, outcome.expired,
        )  # fmt: skip
        sql = "INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        self.connection.execute(sql, values)

    def _replace(self, folder: str, name: str, entry: IndexEntry) -> None:
        sql = "SELECT folder, name, hash, published, feeds FROM article WHERE id = ?"
        old = self.connection.execute(sql, (entry.id,)).fetchone()
        sql = "SELECT id FROM article WHERE folder = ? AND name = ? AND id <> ?"
        for (other,) in self.connection.execute(sql, (folder, name, entry.id)).fetchall():
            self._withdraw(other)
        kept: frozenset[Membership] = frozenset()
        if old:
            # It looks the same: only the feeds that it joins or leaves have changed.
            if old[2:4] == (entry.hash, entry.published):
                kept = frozenset(entry.feeds) & self._memberships(entry.id, old[4])
            self._remove(entry.id, kept)
        self._insert(folder, name, entry, kept)

    def _insert(
        self, folder: str, name: str, entry: IndexEntry, kept: frozenset[Membership]
    ) -> None:
        execute = self.connection.execute
        feeds = msgspec.json.encode(entry.feeds).decode()
        values = (
            entry.id, folder, name, entry.hash, entry.published, feeds, entry.expires, entry.body,
        )  # fmt: skip
        number = execute("INSERT INTO article VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?)", values)
        self._tokens.add(place(entry.published, number.lastrowid or 0), entry.tokens)
        for url, length in entry.pictures:
            execute("INSERT INTO picture VALUES (?, ?, ?)", (entry.id, url, length))
        shared = (entry.published, entry.id, entry.updated, entry.weight, entry.hash)
        month = month_of(entry.published)
        for membership in frozenset(entry.feeds) - kept:
            self._touch(membership.path, month, 1)
            self._buffer.add_membership((membership.path, *shared))
            self._buffer.count(membership, 1)
        execute("DELETE FROM withdrawal WHERE id = ?", (entry.id,))

    def _withdraw(self, id: str) -> None:
        for feed in self._remove(id, frozenset()):
            sql = "INSERT OR REPLACE INTO withdrawal VALUES (?, ?, ?)"
            self.connection.execute(sql, (feed, id, self.now))
            sql = "INSERT OR REPLACE INTO loss VALUES (?, ?)"
            self.connection.execute(sql, (feed, self.now))

    def _remove(self, id: str, kept: frozenset[Membership]) -> list[str]:
        """Remove an article and return the paths of the feeds that it was in."""
        self._buffer.write_memberships()
        execute = self.connection.execute
        sql = "SELECT number, published, feeds, body FROM article WHERE id = ?"
        number, published, feeds, body = execute(sql, (id,)).fetchone()
        held = self._memberships(id, feeds)
        # Without the tokens of a damaged article the table keeps them, for a place of no article.
        with suppress(msgspec.MsgspecError):
            article = msgspec.json.decode(body, type=Article)
            self._tokens.remove(place(published, number), searchable_text(article, held))
        left = held - kept
        for membership in left:
            self._touch(membership.path, month_of(published), -1)
            sql = "DELETE FROM membership WHERE feed = ? AND published = ? AND id = ?"
            execute(sql, (membership.path, published, id))
            self._buffer.count(membership, -1)
        execute("DELETE FROM article WHERE id = ?", (id,))
        execute("DELETE FROM picture WHERE id = ?", (id,))
        return [membership.path for membership in left]

    def _touch(self, feed: str, month: str, delta: int) -> None:
        self._touch_feed(feed, delta)
        self._months[feed, month] += delta

    def _touch_feed(self, feed: str, delta: int) -> None:
        if feed not in self._headings:
            self._headings[feed] = self._heading(feed)
        self._counts[feed] += delta

    def _heading(self, feed: str) -> tuple[str | None, str | None]:
        """Return what all documents of a feed show: the spelling of its name, and its language."""
        sql = f"SELECT ({SPELLING.format('?1')}), ({LANGUAGE.format('?1')})"
        spelling, language = self.connection.execute(sql, (feed,)).fetchone()
        return spelling, language

    def _memberships(self, id: str, text: str) -> frozenset[Membership]:
        """Decode the feeds of an article; look them up where the text is damaged.

        Damage and a change of our code look alike here, and neither may stop all refreshes.
        """
        try:
            return frozenset(msgspec.json.decode(text, type=list[Membership]))
        except msgspec.MsgspecError:
            sql = "SELECT feed FROM membership WHERE id = ?"
            return frozenset(Membership(*row) for row in self.connection.execute(sql, (id,)))
