"""What is known of the pictures on other hosts, and which of them nobody has asked for yet.

The answers are kept beside the index, not in it: they cost many strangers' time to get, and stay
when the index is made anew.
"""

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import msgspec

from feeds.articles import join
from feeds.errors import WrongFile
from feeds.index import connect
from feeds.locks import locked
from feeds.logs import LogThrottle
from feeds.model import Article
from feeds.sqlite import Store, check
from feeds.sqlite import connect as connect_to

log = logging.getLogger(__name__)

#: What other hosts said of their pictures, in the instance folder.
ANSWERS = "pictures.sqlite"

#: Seconds after which a host that gave no length is asked once more.
PATIENCE = 7 * 86_400

#: Seconds to wait for an answer that is being written.
LOCKED = 5.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS picture (
    url TEXT PRIMARY KEY,
    length INTEGER,             -- NULL when the host did not tell
    media_type TEXT,
    asked INTEGER NOT NULL      -- seconds UTC
) WITHOUT ROWID;"""

#: One connection a thread: a first index asks for every picture of every article.
_opened = threading.local()

_complaints = LogThrottle()

#: Connections of the process that forked this one: neither to be used nor closed here.
_parents: list[sqlite3.Connection] = []


@dataclass(frozen=True, slots=True)
class Picture:
    """What a host said of a picture."""

    length: int | None = None
    media_type: str | None = None


def told(store: Path, url: str) -> Picture:
    """What the host of a picture said of it, if it was ever asked."""
    try:
        connection = _connection(store)
        sql = "SELECT length, media_type FROM picture WHERE url = ?"
        found = connection.execute(sql, (url,)).fetchone() if connection else None
    except (sqlite3.Error, WrongFile) as error:
        # Worth less than the article that shows the picture. A refresh asks for thousands.
        if _complaints.is_due():
            log.warning("%s cannot be read: %s", store.name, error)
        return Picture()
    return Picture(*found) if found else Picture()


class Pictures:
    """The pictures of the served articles on other hosts."""

    def __init__(self, index: Path, store: Path, is_ours: Callable[[str], bool]) -> None:
        """Take the files of the index and of the answers, and what tells our own pictures."""
        self._index = index
        self._path = store
        self._store = Store(store, (_SCHEMA,))
        self._is_ours = is_ours

    def unasked(self, now: int) -> list[str]:
        """The addresses to ask, those that never were and those that gave no answer long ago.

        Raise StoreUnavailable when the answers cannot be read.
        """
        wanted = {image.url for _, article in self._served() for image in article.images}
        with self._store.reading() as connection:
            sql = "SELECT url FROM picture WHERE length IS NOT NULL OR asked > ?"
            known = {url for (url,) in connection.execute(sql, (now - PATIENCE,))}
        return sorted(url for url in wanted - known if not self._is_ours(url))

    def keep(self, url: str, picture: Picture, now: int) -> None:
        """Keep what a host said, for good or, when it gave no length, for a while.

        Raise StoreUnavailable.
        """
        with self._store.transaction() as connection:
            connection.execute(_KEEP, (url, picture.length, picture.media_type, now))

    def forget_outdated(self) -> list[str]:
        """Let the files be read again whose articles could tell more now; return their paths."""
        paths = [path for path, article in self._served() if self._is_outdated(article)]
        with locked(self._index.with_suffix(".lock")), closing(connect(self._index)) as connection:
            for path in paths:
                folder, _, name = path.rpartition("/")
                sql = "UPDATE file SET stamp = '' WHERE folder = ? AND name = ?"
                connection.execute(sql, (folder, name))
        return paths

    def _is_outdated(self, article: Article) -> bool:
        for image in article.images:
            found = told(self._path, image.url)
            kind = found.media_type or image.media_type
            if found.length is not None and (image.length, image.media_type) != (
                found.length,
                kind,
            ):
                return True
        return False

    def _served(self) -> Iterator[tuple[str, Article]]:
        with closing(connect(self._index, read_only=True)) as connection:
            rows = connection.execute("SELECT folder, name, body FROM article")
            for folder, name, body in rows:
                yield join(folder, name), msgspec.json.decode(body, type=Article)


def _connection(store: Path) -> sqlite3.Connection | None:
    """The answers, opened once a thread; None while there are none."""
    try:
        at = (store, store.stat().st_ino, os.getpid())
    except OSError:
        return None
    last = getattr(_opened, "at", None)
    if last != at:
        if last and last[2] != at[2]:
            _parents.append(_opened.connection)
        _opened.connection = connect_to(store, LOCKED, create=False)
        _opened.at = at
        check(_opened.connection, store, (_SCHEMA,))
    connection: sqlite3.Connection = _opened.connection
    return connection


_KEEP = "INSERT OR REPLACE INTO picture (url, length, media_type, asked) VALUES (?, ?, ?, ?)"
