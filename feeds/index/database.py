"""The database file of the index: its layouts, and opening it to read and to write."""

import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from feeds.locks import locked
from feeds.sqlite import OPENING, check, migrate
from feeds.sqlite import connect as connect_to

#: One script for each version of the layout. Times of Last-Modified cannot be read from the folder:
#: a script that changes a table keeps them.
MIGRATIONS = tuple(
    (Path(__file__).parent / name).read_text()
    for name in ("schema.sql", "schema_2.sql", "schema_3.sql", "schema_4.sql", "schema_5.sql")
)

#: Seconds to wait while another process writes.
PATIENCE = 30.0


def lock_file(path: Path) -> Path:
    """Return the file whose lock the one writer of an index holds."""
    return path.with_suffix(".lock")


def connect(path: Path, read_only: bool = False) -> sqlite3.Connection:
    """Open the index for one thread; the caller begins transactions.

    A writer holds the lock of ``lock_file``; it creates a missing file and its tables, which a
    reader does not. Raise WrongFile when the file is of a newer version or of another program.
    """
    if not read_only:
        return _opened(path, read_only)
    # A process that replaces the file holds this lock exclusively.
    with locked(path.with_suffix(OPENING), shared=True):
        return _opened(path, read_only)


def upgrade(path: Path) -> None:
    """Bring an index of an older layout to the newest; leave any other file as it is.

    The caller needs no lock: the layout changes in one transaction.
    """
    if not path.exists():
        return
    with closing(connect(path, read_only=True)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        has_tables = connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone()
    if version < len(MIGRATIONS) and has_tables:
        with locked(path.with_suffix(OPENING), shared=True):
            _opened(path, read_only=False).close()


def _opened(path: Path, read_only: bool) -> sqlite3.Connection:
    connection = connect_to(path, PATIENCE, create=not read_only)
    try:
        check(connection, path, MIGRATIONS)
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            migrate(connection, path, MIGRATIONS)
        # The index can be rebuilt from the folder: a power cut may cost the last refresh.
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA cache_size = -4000")
        connection.execute(f"PRAGMA query_only = {int(read_only)}")
    except BaseException:
        connection.close()
        raise
    return connection


def check_file(path: Path) -> None:
    """Raise WrongFile when the index must be left alone; a missing or corrupt one is no reason."""
    with suppress(sqlite3.Error), closing(connect(path, read_only=True)):
        pass
