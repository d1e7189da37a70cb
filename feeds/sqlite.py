"""DOOR SQLite: the one way to open, check and migrate a database file; what counts as corrupt.

No other code of this project may open a descriptor of a database file: not to create it, not to
read its first bytes, not to copy it. "Closing any file descriptor" of the file drops every
POSIX lock that the process holds on it (sqlite.org/howtocorrupt, 2.2): two processes with two
threads each lost 2,246 of 9,408 counts that way. `os.stat` opens nothing and is safe.
"""

import logging
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from feeds.errors import ContentMismatch, StoreUnavailable, WrongFile
from feeds.locks import LeaderLock, locked

log = logging.getLogger(__name__)

#: The ending of a lock file: a process that opens a database holds it shared, one that replaces the
#: file holds it exclusively. Otherwise writers of the old and the new file would use one journal.
OPENING = ".open"

#: The endings of SQLite's own files, while a database is in use or after its process was killed.
SIDE_FILES = ("-journal", "-wal", "-shm")

_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

#: Held while a file is created, which needs a descriptor: no other thread may lock the file before
#: that descriptor is closed.
_creating = threading.Lock()
os.register_at_fork(
    before=_creating.acquire,
    after_in_parent=_creating.release,
    after_in_child=_creating.release,
)


def connect(path: Path, patience: float, create: bool) -> sqlite3.Connection:
    """Open a database file for one thread at a time; the caller begins transactions.

    A file that is created is readable by its owner alone. Without ``create`` a missing file is an
    error and stays missing.
    """
    with _creating:
        if create:
            with suppress(FileExistsError):
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
                os.close(os.open(path, flags, 0o600))
        # SQLite creates nothing in this mode. "ro" would not do for readers: they could not read
        # a file whose last writer was killed in the middle of a transaction.
        uri = f"{path.absolute().as_uri()}?mode=rw"
        return sqlite3.connect(
            uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False
        )


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Begin a transaction and commit it, or roll it back on an error; other writers wait."""
    # With BEGIN two writers start and one of them fails: 88 % of the time, measured.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        connection.rollback()
        raise
    connection.commit()


def migrate(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    """Bring a file to the newest layout, all or nothing; raise WrongFile as ``check`` does.

    Script n leads from version n to n + 1 of `PRAGMA user_version`. Files without a version are
    empty, or older than versions: the first script leaves alone the tables that it finds.
    """
    if check(connection, path, migrations) == len(migrations):
        return
    with transaction(connection):
        # Another process may have been first.
        for script in migrations[check(connection, path, migrations) :]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")


def check(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> int:
    """Return the version of a layout; raise WrongFile for a newer one or another program's."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(migrations):
        raise WrongFile(
            f"{path}: written by a newer version of Tributary (layout {version}, this version knows"
            f" {len(migrations)}): run the newer version, or move the file away"
        )
    if version == 0 and not _is_taken_over(connection, migrations[0]):
        raise WrongFile(f"{path}: has the tables of another program: move the file away")
    return int(version)


def _is_taken_over(connection: sqlite3.Connection, script: str) -> bool:
    """Return True for an empty file and for one with tables that the first script would make."""
    found = _columns(connection)
    if not found:
        return True
    with closing(sqlite3.connect(":memory:")) as model:
        model.executescript(script)
        ours = _columns(model)
    common = {table for table, _ in ours} & {table for table, _ in found}
    return bool(common) and {each for each in ours if each[0] in common} <= found


def _columns(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    sql = """SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
             WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'"""
    return set(connection.execute(sql))


def _statements(script: str) -> Iterator[str]:
    """Split a script: executescript would end the transaction that all statements belong to."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip():
        raise ValueError("the last statement of a script has no semicolon")


def is_corrupt(error: Exception) -> bool:
    """Return True if an error proves that a file holds what cannot be.

    That is SQLITE_CORRUPT, SQLITE_NOTADB, or content that does not match its hash. Everything else
    is a full disk, a busy file or a fault in our code: a misspelt column gives SQLITE_ERROR, a row
    written twice SQLITE_CONSTRAINT. SQLITE_FORMAT is "not currently used by SQLite"
    (sqlite.org/rescode).
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    # The low byte is the kind of error; the rest is detail.
    return isinstance(error, ContentMismatch) or code & 0xFF in _CORRUPT


def is_suspect(error: Exception) -> bool:
    """Return True if an error is a reason to examine a file: it is corrupt, or shorter than it was.

    A truncated write-ahead log gives SQLITE_IOERR_SHORT_READ; so can a network file system, once.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    return is_corrupt(error) or code == sqlite3.SQLITE_IOERR_SHORT_READ


@dataclass(frozen=True, slots=True)
class Store:
    """A small database of the instance folder; each call opens it.

    The file may be removed at any time. A corrupt one is moved aside, and the next call that writes
    creates a new one.
    """

    path: Path
    #: See ``migrate``.
    migrations: tuple[str, ...]
    #: Seconds to wait while another process writes.
    patience: float = 5.0
    #: SQLite's pragma: "OFF" for data that may be lost in a power cut.
    synchronous: str = "FULL"

    @property
    def aside(self) -> Path:
        """The path to which a corrupt file is moved."""
        return self.path.with_suffix(".damaged")

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Open the file to read it; a missing one reads as empty. Raise StoreUnavailable."""
        if os.path.lexists(self.path):
            with self._opened(create=False) as connection:
                connection.execute("PRAGMA query_only = ON")
                yield connection
            return
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as empty:
            migrate(empty, self.path, self.migrations)
            yield empty

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Open the file to write, all or nothing. Raise StoreUnavailable."""
        with self._opened(create=True) as connection, transaction(connection):
            yield connection

    def remove_aside(self) -> None:
        """Remove the files that were moved aside."""
        for ending in ("", *SIDE_FILES):
            Path(f"{self.aside}{ending}").unlink(missing_ok=True)

    @contextmanager
    def _opened(self, create: bool) -> Iterator[sqlite3.Connection]:
        inode = None
        try:
            with (
                locked(self.path.with_suffix(OPENING), shared=True),
                closing(connect(self.path, self.patience, create)) as connection,
            ):
                inode = self.path.stat().st_ino
                migrate(connection, self.path, self.migrations)
                # Deleted rows are overwritten.
                connection.execute("PRAGMA secure_delete = ON")
                connection.execute(f"PRAGMA synchronous = {self.synchronous}")
                yield connection
        except (sqlite3.Error, OSError) as error:
            if is_corrupt(error):
                with suppress(OSError):
                    self._move_aside(inode, error)
            raise StoreUnavailable(f"{self.path.name}: {error}") from error

    def _move_aside(self, inode: int | None, error: Exception) -> None:
        """Move the corrupt file away, unless another process has done so already.

        While another process has it open the file stays, and a later call moves it.
        """
        opening = LeaderLock(self.path.with_suffix(OPENING))
        try:
            if not opening.try_acquire() or self.path.stat().st_ino != inode:
                return
            log.error(
                "%s is damaged (%s): moved aside; the next write creates a new one",
                self.path.name,
                error,
            )
            # The file itself last: a new one must never find the journal of an old one.
            for ending in (*SIDE_FILES, ""):
                with suppress(FileNotFoundError):
                    os.replace(f"{self.path}{ending}", f"{self.aside}{ending}")
        finally:
            opening.release()
