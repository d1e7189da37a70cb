"""How many subscribe to each feed, by day, in a small file of the instance folder.

Services say for how many people they poll: the latest that each said of a feed is added up. Other
pollers are told apart within a day by a keyed hash of address and User-Agent. The key is made by
chance, and destroyed with the hashes when the day ends: then nothing tells who it was.

Whatever pollers send, the file stays small: it has a row for each feed that exists and day, and for
each feed at most CLAIMS of services and the smallest SMALLEST hashes of today.
"""

import logging
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from pathlib import Path

from feeds.errors import StoreUnavailable
from feeds.logs import LogThrottle
from feeds.sqlite import Store
from feeds.subscribers.user_agents import claim

log = logging.getLogger(__name__)

#: In the instance folder.
SUBSCRIBERS = "subscribers.sqlite"

#: Days that a count is kept, and that a claim is believed which is not repeated.
KEPT, BELIEVED = 40, 3

#: Services that are listened to for one feed, and hashes kept of one: up to so many pollers are
#: counted one by one, more are estimated within some 6 %.
CLAIMS, SMALLEST = 200, 256

#: Hashes are below this.
_RANGE = 2**63


@dataclass(frozen=True, slots=True)
class Poll:
    """One answered request for a feed."""

    #: The path of the feed: that of all its formats.
    feed: str
    #: What was asked for.
    path: str
    agent: str
    #: Who asked; never kept.
    address: str


@dataclass(frozen=True, slots=True)
class DayCount:
    """The subscribers of a feed on a day: the most that were known of on it."""

    feed: str
    #: Days since 1970, UTC.
    day: int
    #: As services say.
    by_services: int
    #: Pollers that say nothing.
    alone: int

    @property
    def total(self) -> int:
        """All subscribers."""
        return self.by_services + self.alone


class Subscribers:
    """The counts in a file; each call is one transaction, so any process may come at any time."""

    def __init__(self, path: Path) -> None:
        """Take the file, which need not be there."""
        self._store = Store(path, (_SCHEMA,))
        self._complaints = LogThrottle()

    def count(self, polls: Iterable[Poll], day: int) -> None:
        """Count the polls of a day, and forget what is too old. Raise StoreUnavailable."""
        by_feed: defaultdict[str, list[Poll]] = defaultdict(list)
        for poll in polls:
            by_feed[poll.feed].append(poll)
        with self._store.transaction() as connection:
            key, day = self._begun(connection, day)
            for feed, some in by_feed.items():
                _claims(connection, some, day)
                _hashes(connection, some, key)
                _keep(connection, [_day_count(connection, feed, day)])

    def merge(self, counts: Iterable[DayCount]) -> None:
        """Take counts that were made elsewhere; of two for one day the larger stays."""
        with self._store.transaction() as connection:
            _keep(connection, counts)

    def days(self) -> list[DayCount]:
        """All counts, by feed and then by day; none while the file cannot be read."""
        try:
            with self._store.reading() as connection:
                rows = connection.execute(_DAYS).fetchall()
        except StoreUnavailable as error:
            if self._complaints.is_due():
                log.error("subscribers cannot be told now: %s", error)
            return []
        return [DayCount(*row) for row in rows]

    def _begun(self, connection: sqlite3.Connection, day: int) -> tuple[bytes, int]:
        """The key of a day and the day; at a new one everything that is over goes."""
        found = connection.execute("SELECT key, day FROM secret").fetchone()
        # A clock that was set back a little goes on with the day that it was; after one that was
        # far ahead the key would be kept for as long, and all be counted for a day to come.
        if found and day <= found[1] <= day + BELIEVED:
            return found[0], found[1]
        if found:
            # What was damaged on the day that is over has its key, too.
            self._store.remove_aside()
        key = secrets.token_bytes(32)
        connection.execute("DELETE FROM secret")
        connection.execute("DELETE FROM poller")
        for table, days in (("claim", BELIEVED), ("day_count", KEPT)):
            sql = f"DELETE FROM {table} WHERE day <= ? OR day > ?"
            connection.execute(sql, (day - days, day + BELIEVED))
        connection.execute("INSERT INTO secret (key, day) VALUES (?, ?)", (key, day))
        return key, day


def latest(counts: Iterable[DayCount], today: int) -> list[DayCount]:
    """Of each feed the count to go by, the most subscribers first.

    That is the last one; but until today is over, yesterday's as long as more were counted then.
    """
    found: dict[str, DayCount] = {}
    for count in counts:
        before = found.get(count.feed)
        is_over = count.day < today
        if before is None or is_over or count.total >= before.total or before.day < today - 1:
            found[count.feed] = count
    return sorted(found.values(), key=lambda c: (-c.total, c.feed))


def _claims(connection: sqlite3.Connection, polls: Iterable[Poll], day: int) -> None:
    for poll in polls:
        if said := claim(poll.agent):
            # A service that names the feed itself has one subscription to it, whatever it asks for.
            path = "" if said.id else poll.path
            row = (poll.feed, path, said.service, said.id, said.count, day)
            connection.execute(_CLAIM, (*row, poll.feed, CLAIMS, *row[:4]))


def _hashes(connection: sqlite3.Connection, polls: Iterable[Poll], key: bytes) -> None:
    found = {(p.feed, _hash(p, key)) for p in polls if claim(p.agent) is None}
    connection.executemany("INSERT OR IGNORE INTO poller (feed, hash) VALUES (?, ?)", found)
    for feed in {feed for feed, _ in found}:
        connection.execute(_CUT, (feed, feed, SMALLEST - 1))


def _hash(poll: Poll, key: bytes) -> int:
    who = f"{_network(poll.address)}\0{poll.agent}".encode("utf-8", "replace")
    return int.from_bytes(blake2b(who, key=key, digest_size=8).digest()) % _RANGE


def _network(address: str) -> str:
    """The address, of IPv6 the part that does not change from hour to hour."""
    with suppress(ValueError):
        found = ip_address(address)
        if isinstance(found, IPv6Address):
            return found.packed[:8].hex()
    return address


def _day_count(connection: sqlite3.Connection, feed: str, day: int) -> DayCount:
    claimed = connection.execute("SELECT sum(count) FROM claim WHERE feed = ?", (feed,))
    (services,) = claimed.fetchone()
    seen = connection.execute("SELECT count(*), max(hash) FROM poller WHERE feed = ?", (feed,))
    count, largest = seen.fetchone()
    # Of evenly spread hashes the SMALLEST-th is where it is because there are so many.
    alone = count if count < SMALLEST else round((SMALLEST - 1) * _RANGE / largest)
    return DayCount(feed, day, services or 0, alone)


def _keep(connection: sqlite3.Connection, counts: Iterable[DayCount]) -> None:
    rows = [(c.feed, c.day, c.by_services, c.alone) for c in counts]
    connection.executemany(_KEEP, rows)


_SCHEMA = """
CREATE TABLE IF NOT EXISTS day_count (feed, day, by_services, alone, PRIMARY KEY (feed, day));
CREATE TABLE IF NOT EXISTS claim (feed, path, service, id, count, day,
    PRIMARY KEY (feed, path, service, id));
CREATE TABLE IF NOT EXISTS poller (feed, hash, PRIMARY KEY (feed, hash)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS secret (key, day);"""

_DAYS = "SELECT feed, day, by_services, alone FROM day_count ORDER BY feed, day"

_KEEP = """
INSERT INTO day_count (feed, day, by_services, alone) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET by_services = max(by_services, excluded.by_services),
alone = max(alone, excluded.alone)"""

#: A service that is new while there is no room is not listened to.
_CLAIM = """
INSERT INTO claim (feed, path, service, id, count, day) SELECT ?, ?, ?, ?, ?, ?
WHERE (SELECT count(*) FROM claim WHERE feed = ?) < ?
   OR EXISTS (SELECT 1 FROM claim WHERE feed = ? AND path = ? AND service = ? AND id = ?)
ON CONFLICT DO UPDATE SET count = excluded.count, day = excluded.day"""

_CUT = """
DELETE FROM poller WHERE feed = ?
AND hash > (SELECT hash FROM poller WHERE feed = ? ORDER BY hash LIMIT 1 OFFSET ?)"""
