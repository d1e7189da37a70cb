"""What all processes of a machine counted, in a small file of the instance folder.

Each adds what it counted since it last did, in one transaction: the sum is that of all workers,
those that are gone included. What a reader of it gets is what is in the file and never what is only
in memory, so that no number goes backwards, whichever worker is asked.
"""

import logging
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import msgspec

from feeds.counting.counts import Counts, Key

log = logging.getLogger(__name__)

#: In the instance folder.
FILE = "metrics.sqlite"

_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

_ADD = """
INSERT INTO number VALUES (?, ?)
ON CONFLICT (key) DO UPDATE SET value = value + excluded.value"""


class SharedCounts:
    """The sums of what the processes counted, and what of it is ours."""

    def __init__(self, counts: Counts, path: Path) -> None:
        """Take what this process counts, and the file, which need not be there."""
        self._counts = counts
        self._path = path
        self._told: dict[Key, float] = {}
        self._lock = threading.Lock()
        self._is_failing = False

    def tell(self) -> None:
        """Add what was counted since the last time; while that is impossible it is kept."""
        with self._lock:
            now = dict(self._counts.numbers)
            more = {key: value - self._told.get(key, 0) for key, value in now.items()}
            rows = [(msgspec.json.encode(key), value) for key, value in more.items() if value]
            try:
                if rows:
                    with self._opened() as connection:
                        connection.executemany(_ADD, rows)
            except (sqlite3.Error, OSError) as error:
                self._complain(error)
                return
            self._told, self._is_failing = now, False

    def read(self) -> Mapping[Key, float]:
        """The sums; none while the file cannot be read."""
        try:
            with self._opened() as connection:
                rows = connection.execute("SELECT key, value FROM number").fetchall()
            return {msgspec.json.decode(key, type=Key): value for key, value in rows}
        except (sqlite3.Error, OSError, msgspec.MsgspecError) as error:
            self._complain(error)
            return {}

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        """The file, opened anew each time: somebody may have removed it."""
        with closing(sqlite3.connect(self._path, timeout=1)) as connection, connection:
            # Nobody needs these numbers after a power cut; a process that dies costs none of them.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("CREATE TABLE IF NOT EXISTS number (key BLOB PRIMARY KEY, value)")
            yield connection

    def _complain(self, error: Exception) -> None:
        if getattr(error, "sqlite_errorcode", 0) in _DAMAGED:
            self._path.unlink(missing_ok=True)
        if not self._is_failing:
            log.warning("%s cannot be used now: %s", self._path.name, error)
        self._is_failing = True
