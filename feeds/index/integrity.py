"""Rebuilds a corrupt index, and no other: neither a full disk nor a fault in our SQL costs one.

Damaged files were seen to give wrong rows without an error; quick_check found each of them.
"""

import logging
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

from feeds.index.database import connect
from feeds.index.file_outcomes import is_content_unchanged
from feeds.index.full_text import check_tokens
from feeds.index.sync_state import mark_for_rereading
from feeds.locks import locked
from feeds.sqlite import OPENING, SIDE_FILES, is_suspect

log = logging.getLogger(__name__)


def rebuild_if_corrupt(path: Path, met: Exception | None = None) -> None:
    """Replace a corrupt index by an empty one, which the next refresh fills.

    ``met`` is an error that proves it corrupt; without one, the index is examined. The caller holds
    the lock of ``lock_file``. Raise sqlite3.Error, OSError or WrongFile, and leave the file alone,
    when it cannot be examined or replaced now.
    """
    if not met and not _is_damaged(path):
        return
    log.warning("the index is damaged (%s): it is rebuilt from the content folder", met or path)
    # A process that opened one file now and the next a moment later would mix old and new.
    with locked(path.with_suffix(OPENING)):
        for ending in ("", *SIDE_FILES):
            _remove(Path(f"{path}{ending}"))
        connect(path).close()


def reread_corrupt_rows(path: Path) -> None:
    """Make the next refresh read each file again whose article does not match its hash."""
    with closing(connect(path)) as connection:
        rows = connection.execute("SELECT folder, name, body, hash FROM article")
        wrong = [(folder, name) for folder, name, *kept in rows if not is_content_unchanged(*kept)]
        mark_for_rereading(connection, wrong)


def is_database(path: Path) -> bool:
    """Return False if a file cannot be a database: it is empty, or not a plain file.

    SQLite waits half a minute to initialise an empty file that other processes have open. The file
    is not opened here: closing it would drop the locks of every connection of this process.
    """
    return not path.exists() or (path.is_file() and path.stat().st_size > 0)


def _is_damaged(path: Path) -> bool:
    if not is_database(path):
        return True
    is_new = not path.exists()
    try:
        connect(path).close()
        if is_new:
            return False
        # In parallel, since no client is served before: SQLite releases the GIL. Two threads: with
        # a third, the workers took longer to load and to answer.
        with ThreadPoolExecutor(2) as pool:
            if any(pool.map(partial(_finds, path), _FAULTS)):
                return True
        # Afterwards: a connection that writes would first recover a log that was cut.
        with closing(connect(path)) as connection:
            check_tokens(connection)
        return False
    except sqlite3.DatabaseError as error:
        # The whole file was read: one that is too short is damaged, not just being written.
        if not is_suspect(error):
            raise
        return True


def _finds(path: Path, sql: str) -> bool:
    with closing(connect(path, read_only=True)) as connection:
        # Room for the feed of all articles, with whose rows those of other feeds are compared.
        connection.execute("PRAGMA cache_size = -12000")
        return connection.execute(sql).fetchone() is not None


# No document can be rendered if the two tables that describe each article differ. All articles are
# in the feed `all`, whose rows lie together: looking up each row of every feed among the articles
# took three times as long, 2.3 s for 100,000.
_FAULTS = (
    "SELECT 1 FROM pragma_quick_check(1) WHERE quick_check <> 'ok'",
    """SELECT 1 FROM membership LEFT JOIN article USING (id)
       WHERE feed = 'all' AND (article.hash IS NOT membership.hash
       OR article.published <> membership.published) LIMIT 1""",
    """SELECT 1 FROM membership AS other LEFT JOIN membership AS known
       ON known.feed = 'all' AND known.published = other.published AND known.id = other.id
       WHERE other.feed <> 'all' AND known.hash IS NOT other.hash LIMIT 1""",
)


def _remove(path: Path) -> None:
    if path.is_dir():
        # A person's folder in the place of our file: it is moved, not lost.
        os.rename(path, path.with_name(f"{path.name}.{os.urandom(4).hex()}"))
    else:
        path.unlink(missing_ok=True)
