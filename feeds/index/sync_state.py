"""The data that a refresh reads from the index: known files, what is due, facts about itself."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from feeds.articles import join, split
from feeds.index.database import connect
from feeds.model import Article

#: The stamps of files by folder, below the content folder, and by name.
Stamps = dict[str, dict[str, str]]

#: Seconds after which a large loss of articles is applied, unless the folder is empty.
SETTLE = 60

#: Seconds for which a withdrawal is announced; RFC 6721 sets none. Readers poll at least weekly.
WITHDRAWAL_SECONDS = 7 * 86_400


def known(connection: sqlite3.Connection, below: Iterable[str]) -> Stamps:
    """Return the stamps of all known files below some folders, or of some files."""
    found: Stamps = {}
    for path in below:
        parameters = (*split(path), path, path, path) if path else ()
        for folder, stamps in connection.execute(_BELOW if path else _ALL, parameters):
            found.setdefault(folder, {}).update(_decode(stamps))
    return found


_decode = msgspec.json.Decoder(dict[str, str]).decode

# SQLite builds the objects: row by row, a hundred thousand files take twice as long.
_KNOWN = "SELECT folder, json_group_object(name, stamp) FROM file {} GROUP BY folder"

_ALL = _KNOWN.format("")

_BELOW = " UNION ALL ".join(
    map(
        _KNOWN.format,
        (
            "WHERE folder = ? AND name = ?",
            "WHERE folder = ?",
            "WHERE folder > ? || '/' AND folder < ? || '0'",
        ),
    )
)


def resized(connection: sqlite3.Connection, length: Callable[[str], int | None]) -> Iterator[str]:
    """Yield the files whose articles state an outdated size of an image of this site."""
    pictures = connection.execute("SELECT DISTINCT url, length FROM picture").fetchall()
    for url in {url for url, known in pictures if length(url) != known}:
        for folder, name in connection.execute(_SHOWING, (url,)).fetchall():
            yield join(folder, name)


_SHOWING = "SELECT folder, name FROM picture JOIN article USING (id) WHERE url = ?"


def mark_for_rereading(connection: sqlite3.Connection, files: Iterable[tuple[str, str]]) -> None:
    """Make the next refresh read files, each a folder and a name, even if they are unchanged."""
    connection.executemany("UPDATE file SET stamp = '' WHERE folder = ? AND name = ?", files)


def due(connection: sqlite3.Connection, now: int) -> Iterator[str]:
    """Yield the files whose outcome differs by now, also after the clock was set back."""
    for folder, name in connection.execute(_DUE, (now,) * 3):
        yield join(folder, name)


_DUE = """
SELECT folder, name FROM file WHERE due <= ?
UNION SELECT folder, name FROM file WHERE expired > ?
UNION SELECT folder, name FROM article
WHERE id IN (SELECT id FROM membership WHERE feed = 'all' AND published > ?)"""


def precedence(
    connection: sqlite3.Connection, must_rebuild: bool
) -> Callable[[str], tuple[int, str]]:
    """Return a key that sorts paths in the order in which their files may claim an id.

    A rebuild reads the files that are served first, so that none loses its id to a copy. Files
    refused because of an id come last. Otherwise paths decide, which every machine sorts alike.
    """
    sql = "SELECT folder, name FROM file WHERE reason = 'collision'"
    ranks = {join(*row): 2 for row in connection.execute(sql)}
    if must_rebuild:
        served = connection.execute("SELECT folder, name FROM article")
        ranks |= {join(*row): 0 for row in served}
    return lambda path: (ranks.get(path, 1), path)


def reschedule(connection: sqlite3.Connection, now: int) -> None:
    """Postpone files that are still due: they are missing, and may come back unchanged."""
    connection.execute("UPDATE file SET due = ? WHERE due <= ?", (now + SETTLE, now))


def has_expired_articles(connection: sqlite3.Connection, now: int) -> bool:
    """Return True if an article is past its expiry, even if its file is lost."""
    sql = "SELECT 1 FROM article WHERE expires <= ? LIMIT 1"
    return connection.execute(sql, (now,)).fetchone() is not None


def has_old_withdrawals(connection: sqlite3.Connection, now: int) -> bool:
    """Return True if a withdrawal has been announced long enough."""
    sql = "SELECT 1 FROM withdrawal WHERE moment <= ? LIMIT 1"
    return connection.execute(sql, (now - WITHDRAWAL_SECONDS,)).fetchone() is not None


def next_due(connection: sqlite3.Connection, now: int) -> int | None:
    """Return when something is next due without a change of any file; None if nothing is."""
    sql = """SELECT min(due) FROM (
        SELECT min(due) AS due FROM file WHERE due IS NOT NULL
        UNION ALL SELECT min(expires) FROM article WHERE expires IS NOT NULL
        UNION ALL SELECT min(moment) + ? FROM withdrawal
        UNION ALL SELECT value + ? FROM meta WHERE key = 'held-since' AND value + ? > ?)"""
    found = connection.execute(sql, (WITHDRAWAL_SECONDS, SETTLE, SETTLE, now)).fetchone()
    return found[0] if found else None


class PreviousSnapshot:
    """Reads articles as they were before the transaction of another connection."""

    def __init__(self, path: Path) -> None:
        """Take the file of the index."""
        self._connection = connect(path, read_only=True)

    def article(self, folder: str, name: str) -> tuple[Article, int | None] | None:
        """Return the article of a file that was served, and its expiry, if it can be decoded."""
        sql = "SELECT body, expires FROM article WHERE folder = ? AND name = ?"
        found = self._connection.execute(sql, (folder, name)).fetchone()
        with suppress(msgspec.MsgspecError):
            return (msgspec.json.decode(found[0], type=Article), found[1]) if found else None
        return None

    def is_served(self, folder: str, name: str) -> bool:
        """Return True if the article of a file was served."""
        sql = "SELECT 1 FROM article WHERE folder = ? AND name = ?"
        return self._connection.execute(sql, (folder, name)).fetchone() is not None

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def meta(connection: sqlite3.Connection, key: str) -> str | int | None:
    """Return a value that the index stores about itself."""
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return found[0] if found else None


def put_meta(connection: sqlite3.Connection, key: str, value: str | int | None) -> None:
    """Store a fact about the index itself."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))
