"""The numbers of subscribers by feed and day, in a small file of the instance folder.

Services report how many people they poll for; the latest reports of all services for a feed are
added. Other pollers are distinguished within a day by a keyed hash of address and User-Agent.
The key is random and is destroyed with the hashes at the end of the day: then no poller can be
identified.

The file stays small, whatever pollers send: it has one row per existing feed and day, and per feed
at most CLAIMS claims of services and the SMALLEST smallest hashes of the day.
"""

import logging
import secrets
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from heapq import nsmallest
from ipaddress import IPv6Address
from pathlib import Path
from typing import NamedTuple

from feeds.errors import StoreUnavailable
from feeds.logs import LogThrottle
from feeds.sqlite import Store
from feeds.subscribers.user_agents import claim

log = logging.getLogger(__name__)

#: In the instance folder.
SUBSCRIBERS = "subscribers.sqlite"

#: Days for which a count is kept, and for which a claim is valid that is not repeated.
COUNT_DAYS, CLAIM_DAYS = 40, 3

#: The most services and the most hashes of one feed: up to this number, pollers are counted one by
#: one; a larger number is estimated with an error of about 6 %.
CLAIMS, SMALLEST = 200, 256

#: The exclusive upper bound of a hash.
_RANGE = 2**63


class FeedPoll(NamedTuple):
    """A successful request for a feed."""

    #: The path of the feed, the same for all its formats.
    feed: str
    #: The path of the request.
    path: str
    agent: str
    #: The address of the client; never stored.
    address: str


@dataclass(frozen=True, slots=True)
class DayCount:
    """The subscribers of a feed on a day: the largest number that was counted on it."""

    feed: str
    #: Days since 1970, UTC.
    day: int
    #: As claimed by services.
    by_services: int
    #: Pollers that make no claim.
    alone: int

    @property
    def total(self) -> int:
        """Return the number of all subscribers."""
        return self.by_services + self.alone


class Subscribers:
    """The store of the counts; each call is one transaction, so all processes may share it."""

    def __init__(self, path: Path) -> None:
        """Take the file, which need not exist."""
        self._store = Store(path, (_SCHEMA,))
        self._throttle = LogThrottle()

    def count(self, polls: Iterable[FeedPoll], day: int) -> None:
        """Count the polls of a day and delete old counts. Raise StoreUnavailable."""
        by_feed: defaultdict[str, list[FeedPoll]] = defaultdict(list)
        for poll in polls:
            by_feed[poll.feed].append(poll)
        with self._store.transaction() as connection:
            key, day = self._begin_day(connection, day)
            for feed, of_feed in by_feed.items():
                _store_hashes(connection, feed, _store_claims(connection, of_feed, day), key)
                _keep(connection, [_day_count(connection, feed, day)])

    def merge(self, counts: Iterable[DayCount]) -> None:
        """Merge counts from elsewhere; the larger of two counts of a day stays."""
        with self._store.transaction() as connection:
            _keep(connection, counts)

    def days(self) -> list[DayCount]:
        """Return all counts by feed and then by day; none while the file cannot be read."""
        try:
            with self._store.reading() as connection:
                rows = connection.execute(_DAYS).fetchall()
        except StoreUnavailable as error:
            if self._throttle.is_due():
                log.error("the numbers of subscribers cannot be read now: %s", error)
            return []
        return [DayCount(*row) for row in rows]

    def _begin_day(self, connection: sqlite3.Connection, day: int) -> tuple[bytes, int]:
        """Return the key of the day and the day; a new day deletes the data of the old one."""
        found = connection.execute("SELECT key, day FROM secret").fetchone()
        # If the clock was set back a little, the stored day goes on. After a clock far ahead that
        # would keep the key for as long and count all polls for a future day.
        if found and day <= found[1] <= day + CLAIM_DAYS:
            return found[0], found[1]
        if found:
            # Copies of a damaged file that were set aside on the old day also hold its key.
            self._store.remove_aside()
        key = secrets.token_bytes(32)
        connection.execute("DELETE FROM secret")
        connection.execute("DELETE FROM poller")
        for table, days in (("claim", CLAIM_DAYS), ("day_count", COUNT_DAYS)):
            sql = f"DELETE FROM {table} WHERE day <= ? OR day > ?"
            connection.execute(sql, (day - days, day + CLAIM_DAYS))
        connection.execute("INSERT INTO secret (key, day) VALUES (?, ?)", (key, day))
        return key, day


def latest(counts: Iterable[DayCount], today: int) -> list[DayCount]:
    """Return the current count of each feed, the most subscribers first.

    That is the last count; but until today is over, that of yesterday if it is larger.
    """
    by_feed: dict[str, DayCount] = {}
    for count in counts:
        before = by_feed.get(count.feed)
        is_over = count.day < today
        if before is None or is_over or count.total >= before.total or before.day < today - 1:
            by_feed[count.feed] = count
    return sorted(by_feed.values(), key=lambda c: (-c.total, c.feed))


def _store_claims(
    connection: sqlite3.Connection, polls: Iterable[FeedPoll], day: int
) -> list[FeedPoll]:
    """Store the claims of services; return the other polls."""
    others = []
    for poll in polls:
        claimed = claim(poll.agent)
        if claimed is None:
            others.append(poll)
            continue
        # A service that names the feed by an id has one subscription, whatever path it polls.
        path = "" if claimed.id else poll.path
        row = (poll.feed, path, claimed.service, claimed.id, claimed.count, day)
        connection.execute(_CLAIM, (*row, poll.feed, CLAIMS, *row[:4]))
    return others


def _store_hashes(
    connection: sqlite3.Connection, feed: str, polls: Iterable[FeedPoll], key: bytes
) -> None:
    # Each row lets the event loop wait for Python anew: none is written only to be cut again.
    smallest = nsmallest(SMALLEST, {_hash(poll, key) for poll in polls})
    rows = ((feed, each) for each in smallest)
    connection.executemany("INSERT OR IGNORE INTO poller (feed, hash) VALUES (?, ?)", rows)
    connection.execute(_CUT, (feed, feed, SMALLEST - 1))


def _hash(poll: FeedPoll, key: bytes) -> int:
    poller = f"{_network(poll.address)}\0{poll.agent}".encode("utf-8", "replace")
    return int.from_bytes(blake2b(poller, key=key, digest_size=8).digest()) % _RANGE


def _network(address: str) -> str:
    """Return the address; of IPv6 the prefix, as the rest changes from hour to hour."""
    if ":" in address:
        with suppress(ValueError):
            return IPv6Address(address).packed[:8].hex()
    return address


def _day_count(connection: sqlite3.Connection, feed: str, day: int) -> DayCount:
    claimed = connection.execute("SELECT sum(count) FROM claim WHERE feed = ?", (feed,))
    (services,) = claimed.fetchone()
    pollers = connection.execute("SELECT count(*), max(hash) FROM poller WHERE feed = ?", (feed,))
    count, largest = pollers.fetchone()
    # Hashes are evenly spread: the value of the SMALLEST-th smallest one gives their number.
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

#: A new service is ignored while the limit of the feed is reached.
_CLAIM = """
INSERT INTO claim (feed, path, service, id, count, day) SELECT ?, ?, ?, ?, ?, ?
WHERE (SELECT count(*) FROM claim WHERE feed = ?) < ?
   OR EXISTS (SELECT 1 FROM claim WHERE feed = ? AND path = ? AND service = ? AND id = ?)
ON CONFLICT DO UPDATE SET count = excluded.count, day = excluded.day"""

_CUT = """
DELETE FROM poller WHERE feed = ?
AND hash > (SELECT hash FROM poller WHERE feed = ? ORDER BY hash LIMIT 1 OFFSET ?)"""
