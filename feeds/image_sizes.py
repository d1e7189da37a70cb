"""The database of lengths and media types of images on other hosts.

It is a file beside the index, since its facts cost many requests to other hosts and must survive a
rebuild of the index.
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

from feeds.articles import join, split
from feeds.errors import WrongFile
from feeds.index import connect, lock_file, mark_for_rereading
from feeds.locks import locked
from feeds.logs import LogThrottle
from feeds.model import Article
from feeds.sqlite import Store, check
from feeds.sqlite import connect as connect_to

log = logging.getLogger(__name__)

#: The database, in the instance folder.
IMAGE_SIZES = "pictures.sqlite"

#: Seconds after which an image without a known length is probed again.
REPROBE_AFTER = 7 * 86_400

#: Seconds to wait for a lock of the database.
LOCK_TIMEOUT = 5.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS picture (
    url TEXT PRIMARY KEY,
    length INTEGER,             -- NULL when the host gave none
    media_type TEXT,
    asked INTEGER NOT NULL      -- seconds UTC
) WITHOUT ROWID;"""

#: One connection per thread: the first index looks up every image of every article.
_opened = threading.local()

_throttle = LogThrottle()

#: Connections of the parent process: a child must neither use nor close them.
_inherited: list[sqlite3.Connection] = []


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """The length and the media type of an image; None where unknown."""

    length: int | None = None
    media_type: str | None = None


def known_facts(store: Path, url: str) -> ImageFacts:
    """Return what the database knows of an image."""
    try:
        connection = _connection(store)
        sql = "SELECT length, media_type FROM picture WHERE url = ?"
        found = connection.execute(sql, (url,)).fetchone() if connection else None
    except (sqlite3.Error, WrongFile) as error:
        # The article matters more than the size of its image. A refresh looks up thousands.
        if _throttle.is_due():
            log.warning("%s cannot be read: %s", store.name, error)
        return ImageFacts()
    return ImageFacts(*found) if found else ImageFacts()


class ImageSizes:
    """The images of the served articles on other hosts."""

    def __init__(self, index: Path, store: Path, is_ours: Callable[[str], bool]) -> None:
        """Take the files of the index and of the database; ``is_ours`` recognizes local images."""
        self._index = index
        self._path = store
        self._store = Store(store, (_SCHEMA,))
        self._is_ours = is_ours

    def to_probe(self, now: int) -> list[str]:
        """Return the images never probed, and those that gave no length long ago.

        Raise StoreUnavailable if the database cannot be read.
        """
        wanted = {image.url for _, article in self._served() for image in article.images}
        with self._store.reading() as connection:
            sql = "SELECT url FROM picture WHERE length IS NOT NULL OR asked > ?"
            known = {url for (url,) in connection.execute(sql, (now - REPROBE_AFTER,))}
        return sorted(url for url in wanted - known if not self._is_ours(url))

    def store(self, url: str, facts: ImageFacts, now: int) -> None:
        """Store the facts of an image, for good or, without a length, until the next probe.

        Raise StoreUnavailable if the database cannot be written.
        """
        with self._store.transaction() as connection:
            connection.execute(_PUT, (url, facts.length, facts.media_type, now))

    def forget_outdated(self) -> list[str]:
        """Mark the articles with outdated image facts for re-reading; return their paths."""
        paths = [path for path, article in self._served() if self._is_outdated(article)]
        with locked(lock_file(self._index)), closing(connect(self._index)) as connection:
            mark_for_rereading(connection, map(split, paths))
        return paths

    def _is_outdated(self, article: Article) -> bool:
        for image in article.images:
            found = known_facts(self._path, image.url)
            media_type = found.media_type or image.media_type
            if found.length is not None and (image.length, image.media_type) != (
                found.length,
                media_type,
            ):
                return True
        return False

    def _served(self) -> Iterator[tuple[str, Article]]:
        with closing(connect(self._index, read_only=True)) as connection:
            rows = connection.execute("SELECT folder, name, body FROM article")
            for folder, name, body in rows:
                yield join(folder, name), msgspec.json.decode(body, type=Article)


def _connection(store: Path) -> sqlite3.Connection | None:
    """Return the connection of this thread; None while no database exists."""
    try:
        at = (store, store.stat().st_ino, os.getpid())
    except OSError:
        return None
    last = getattr(_opened, "at", None)
    if last != at:
        if last and last[2] != at[2]:
            _inherited.append(_opened.connection)
        _opened.connection = connect_to(store, LOCK_TIMEOUT, create=False)
        _opened.at = at
        check(_opened.connection, store, (_SCHEMA,))
    connection: sqlite3.Connection = _opened.connection
    return connection


_PUT = "INSERT OR REPLACE INTO picture (url, length, media_type, asked) VALUES (?, ?, ?, ?)"
