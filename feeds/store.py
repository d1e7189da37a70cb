"""DOOR small databases of the instance folder, beside the index: what cannot be had from articles.

Each call opens its file anew, so it may be removed at any time, and any process may come.
"""

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from feeds.errors import StoreUnavailable

log = logging.getLogger(__name__)

#: SQLITE_ERROR is that of a table or a column that is not there.
_DAMAGE = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_FORMAT,
    sqlite3.SQLITE_ERROR,
    sqlite3.SQLITE_CONSTRAINT,
    sqlite3.SQLITE_MISMATCH,
}


@dataclass(frozen=True, slots=True)
class Store:
    """A file of SQLite's; not in WAL mode, which would write whenever it is opened to be read."""

    path: Path
    #: Makes what is not there yet.
    schema: str
    #: Seconds to wait while another process writes.
    patience: float = 5.0
    #: Of SQLite: "OFF" where nobody needs what a power cut takes.
    synchronous: str = "FULL"

    @property
    def aside(self) -> Path:
        """Where a damaged file is moved to."""
        return self.path.with_suffix(".damaged")

    @contextmanager
    def opened(self) -> Iterator[sqlite3.Connection]:
        """The database, to be read, or for one statement; raise StoreUnavailable.

        A damaged one is moved aside, and begun anew the next time.
        """
        try:
            # For nobody else to read.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            opened = sqlite3.connect(self.path, timeout=self.patience, isolation_level=None)
            with closing(opened):
                # What is deleted is overwritten.
                opened.execute("PRAGMA secure_delete = ON")
                opened.execute(f"PRAGMA synchronous = {self.synchronous}")
                opened.executescript(self.schema)
                yield opened
        except (sqlite3.Error, OSError, msgspec.MsgspecError) as error:
            if tells_damage(error):
                log.error("%s is damaged (%s): moved aside and begun anew", self.path.name, error)
                with suppress(OSError):
                    os.replace(self.path, self.aside)
            raise StoreUnavailable(f"{self.path.name}: {error}") from error

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """The database for several statements, all or nothing; otherwise as ``opened``."""
        with self.opened() as connection:
            connection.execute("BEGIN IMMEDIATE")
            # Left by an error it is rolled back when the connection is closed.
            yield connection
            connection.execute("COMMIT")


def tells_damage(error: Exception) -> bool:
    """Whether an error says that what is in a database cannot be, rather than: not now."""
    if isinstance(error, msgspec.ValidationError | msgspec.DecodeError):
        return True
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)
    # The low byte is the kind of error; the rest says more of it.
    return code & 0xFF in _DAMAGE or code == sqlite3.SQLITE_IOERR_SHORT_READ
