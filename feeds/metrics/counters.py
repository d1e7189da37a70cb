"""The counters of one process, in memory, and of all processes of a machine, in a small file.

Each process adds its new counts to the file in one transaction: the sums include those of workers
that have ended. Readers get only the numbers in the file, never those in memory: no number goes
backwards, whichever worker serves the request.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from feeds.errors import StoreUnavailable
from feeds.logs import LogOnce
from feeds.sqlite import Store

log = logging.getLogger(__name__)

#: The names of the counters in Prometheus.
REQUESTS = "tributary_requests_total"
PASSED_ON = "tributary_requests_passed_on_total"
LOOKUPS = "tributary_cache_lookups_total"
RENDERING = "tributary_render_seconds"

#: The upper bounds of the histogram of rendering times, in seconds.
BOUNDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0)

#: A name and the values of its labels.
Key = tuple[str | int | float, ...]

#: A poll: the path, the User-Agent and the client address, path and address as in WSGI.
PollRecord = tuple[str, str, str]

#: The most different polls that wait to be counted; if more arrive within a second, the last are
#: lost.
WAITING = 20_000

#: In the instance folder.
FILE = "metrics.sqlite"

_SCHEMA = "CREATE TABLE IF NOT EXISTS number (key BLOB PRIMARY KEY, value);"

_ADD = """
INSERT INTO number (key, value) VALUES (?, ?)
ON CONFLICT (key) DO UPDATE SET value = value + excluded.value"""


class Counters:
    """Counters by key, to which any thread may add without a lock.

    ``numbers[key] += amount`` calls no Python function, and CPython lets no other thread run
    between its steps.
    """

    def __init__(self) -> None:
        """Start with no counts."""
        self.numbers: defaultdict[Key, float] = defaultdict(int)
        #: The polls that wait to be counted. A dictionary: equal ones count once, and a client that
        #: polls a thousand times a second takes the place of one.
        self.polls: dict[PollRecord, None] = {}

    def polled(self, path: str, user_agent: str, client: str) -> None:
        """Let a poll wait to be counted."""
        if len(self.polls) < WAITING:
            self.polls[path, user_agent, client] = None

    def take_polls(self) -> list[PollRecord]:
        """Return the polls that wait, the oldest first, and forget them."""
        newest_first = [self.polls.popitem()[0] for _ in range(len(self.polls))]
        return newest_first[::-1]

    def rendered(self, seconds: float) -> None:
        """Count one rendering and the time that it took."""
        bound = next((bound for bound in BOUNDS if seconds <= bound), "+Inf")
        self.numbers[RENDERING, bound] += 1
        self.numbers[RENDERING, "sum"] += seconds

    def looked_up(self, is_hit: bool) -> None:
        """Count one look-up in the cache behind the memory."""
        self.numbers[LOOKUPS, "hit" if is_hit else "miss"] += 1


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
