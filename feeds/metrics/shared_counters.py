"""What all processes of a machine counted, in a small file of the instance folder.

Each adds what it counted since it last did, in one transaction: the sum is that of all workers,
those that are gone included. What a reader of it gets is what is in the file and never what is only
in memory, so that no number goes backwards, whichever worker is asked.
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
    """The sums of what the processes counted, and what of it is ours."""

    def __init__(self, counts: Counters, path: Path) -> None:
        """Take what this process counts, and the file, which need not be there."""
        self._counts = counts
        # Nobody needs these numbers after a power cut; a process that dies costs none of them.
        self._store = Store(path, (_SCHEMA,), patience=1.0, synchronous="OFF")
        self._told: dict[Key, float] = {}
        self._lock = threading.Lock()
        self._log_once = LogOnce(log, "what was counted cannot be kept or read now")

    def tell(self) -> None:
        """Add what was counted since the last time; while that is impossible it is kept."""
        with self._lock:
            now = dict(self._counts.numbers)
            more = {key: value - self._told.get(key, 0) for key, value in now.items()}
            rows = [(msgspec.json.encode(key), value) for key, value in more.items() if value]
            try:
                if rows:
                    with self._store.transaction() as connection:
                        connection.executemany(_ADD, rows)
            except StoreUnavailable as error:
                self._log_once.report(error)
                return
            self._told = now
            self._log_once.clear()

    def read(self) -> Mapping[Key, float]:
        """The sums; none while the file cannot be read."""
        try:
            with self._store.reading() as connection:
                rows = connection.execute("SELECT key, value FROM number").fetchall()
        except StoreUnavailable as error:
            self._log_once.report(error)
            return {}
        found: dict[Key, float] = {}
        for key, value in rows:
            # What another version counted by keys of its own is no number of ours.
            with suppress(msgspec.MsgspecError):
                found[msgspec.json.decode(key, type=Key)] = value
        return found
