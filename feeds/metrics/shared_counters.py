"""The counters of all processes of a machine, in a small file of the instance folder.

Each process adds its new counts in one transaction: the sums include those of workers that have
ended. Readers get only the numbers in the file, never those in memory: no number goes backwards,
whichever worker serves the request.
"""

import logging
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from feeds.errors import StoreUnavailable
from feeds.logs import LogOnce
from feeds.metrics.counters import Counters, Key
from feeds.sqlite import Store

log = logging.getLogger(__name__)

#: In the instance folder.
FILE = "metrics.sqlite"

_SCHEMA = "CREATE TABLE IF NOT EXISTS number (key BLOB PRIMARY KEY, value);"

_ADD = """
INSERT INTO number (key, value) VALUES (?, ?)
ON CONFLICT (key) DO UPDATE SET value = value + excluded.value"""


class SharedCounters:
    """The sums of the counters of all processes in a file."""

    def __init__(self, counts: Counters, path: Path) -> None:
        """Take the counters of this process, and the file, which need not exist."""
        self._counts = counts
        # synchronous=OFF loses numbers only in a power cut; a process that dies loses none.
        self._store = Store(path, (_SCHEMA,), patience=1.0, synchronous="OFF")
        self._written: dict[Key, float] = {}
        self._lock = threading.Lock()
        self._log_once = LogOnce(log, "the counters cannot be written or read now")

    def flush(self) -> None:
        """Add the counts since the last flush to the file; a failed flush loses none of them."""
        with self._lock:
            now = dict(self._counts.numbers)
            new = {key: value - self._written.get(key, 0) for key, value in now.items()}
            rows = [(msgspec.json.encode(key), value) for key, value in new.items() if value]
            try:
                if rows:
                    with self._store.transaction() as connection:
                        connection.executemany(_ADD, rows)
            except StoreUnavailable as error:
                self._log_once.report(error)
                return
            self._written = now
            self._log_once.clear()

    def read(self) -> Mapping[Key, float]:
        """Return the sums; none while the file cannot be read."""
        try:
            with self._store.reading() as connection:
                rows = connection.execute("SELECT key, value FROM number").fetchall()
        except StoreUnavailable as error:
            self._log_once.report(error)
            return {}
        numbers: dict[Key, float] = {}
        for key, value in rows:
            # Skip the keys of another version of this program.
            with suppress(msgspec.MsgspecError):
                numbers[msgspec.json.decode(key, type=Key)] = value
        return numbers
