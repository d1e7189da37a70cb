"""The outbox of announcements to hubs: a small database in the instance folder.

It holds states, not events: the last seen key of every document, and one row for each address whose
current key a hub has not received. So fast successive changes are delivered once, and a process
that dies at any moment loses nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from feeds.formats import rfc3339
from feeds.locks import LeaderLock
from feeds.model import FeedId
from feeds.sqlite import Store

#: In the instance folder.
WEBSUB = "websub.sqlite"

#: Longest wait of a delivery in seconds: a longer one means that the clock was set back.
MAX_WAIT = 86_400

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    path TEXT NOT NULL,
    month TEXT NOT NULL,        -- '' for the feed itself
    part INTEGER NOT NULL,      -- 0 for the last of a month, and for a feed
    stamp TEXT NOT NULL,        -- changes whenever the key may have changed
    key TEXT NOT NULL,          -- '' when nothing is served there
    PRIMARY KEY (path, month, part)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS announcement (
    hub TEXT NOT NULL,
    address TEXT NOT NULL,
    key TEXT NOT NULL,          -- the key to announce
    since REAL NOT NULL,        -- when the key was first seen, as all times in seconds UTC
    tries INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    PRIMARY KEY (hub, address)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS announcement_due ON announcement (hub, due);
CREATE TABLE IF NOT EXISTS hub (
    url TEXT PRIMARY KEY,
    failures INTEGER NOT NULL DEFAULT 0,    -- since the last success
    due REAL,                               -- no request before then
    last_success REAL,
    last_error TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;"""


@dataclass(frozen=True, slots=True)
class DocumentState:
    """The state of a document: its stamp, its key and its addresses."""

    id: FeedId
    stamp: str
    key: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """An announcement of one address to one hub."""

    hub: str
    address: str
    key: str
    since: float
    #: Attempts at this announcement.
    tries: int
    #: Failures of the hub since its last success.
    failures: int


@dataclass(frozen=True, slots=True)
class HubState:
    """The state of a hub."""

    hub: str
    #: Addresses that wait to be announced.
    pending: int = 0
    #: Failures since the last success.
    failures: int = 0
    #: Seconds UTC; None without a success.
    last_success: float | None = None
    #: Seconds UTC; None when nothing is pending.
    next_try: float | None = None
    last_error: str = ""

    @property
    def line(self) -> str:
        """The state in one line, for operators."""
        success = "never" if self.last_success is None else rfc3339(int(self.last_success))
        parts = [f"{self.pending} pending", f"last success {success}"]
        if self.failures:
            parts.append(f"{self.failures} failed since, the last: {self.last_error}")
        if self.next_try is not None:
            parts.append(f"next try {rfc3339(int(self.next_try))}")
        return f"{self.hub}: {', '.join(parts)}"


class Outbox:
    """The database; every method raises StoreUnavailable if it cannot be used."""

    def __init__(self, path: Path) -> None:
        """Open the file, or create it on first use."""
        self._store = Store(path, (_SCHEMA,))

    def leader_lock(self) -> LeaderLock:
        """Return the lock of the one process of the machine that announces."""
        return LeaderLock(self._store.path.with_suffix(".lock"))

    def is_new(self) -> bool:
        """Return True if no document was ever recorded."""
        with self._store.reading() as connection:
            return connection.execute("SELECT 1 FROM document LIMIT 1").fetchone() is None

    def stamps(self) -> dict[str, str]:
        """Return the last seen stamps of feeds, by path."""
        with self._store.reading() as connection:
            return dict(connection.execute("SELECT path, stamp FROM document WHERE month = ''"))

    def months(self, path: str) -> dict[str, str]:
        """Return the last seen stamps of the months of a feed."""
        sql = "SELECT month, stamp FROM document WHERE path = ? AND month <> '' AND part = 0"
        with self._store.reading() as connection:
            return dict(connection.execute(sql, (path,)))

    def record(
        self, changed: Collection[DocumentState], hubs: Collection[str], now: float, due: float
    ) -> None:
        """Store the states of documents and queue those with a new key, in one transaction."""
        with self._store.transaction() as connection:
            for each in changed:
                place = (each.id.path, each.id.month or "", each.id.part or 0)
                known = connection.execute(_KEY, place).fetchone()
                connection.execute(_PUT, (*place, each.stamp, each.key))
                if known != (each.key,):
                    rows = [(hub, a, each.key, now, due) for a in each.addresses for hub in hubs]
                    connection.executemany(_QUEUE, rows)

    def due(self, hub: str, now: float, limit: int) -> list[Delivery]:
        """Return the due deliveries of a hub, oldest first; none during its back-off."""
        values = {"hub": hub, "now": now, "far": now + MAX_WAIT, "limit": limit}
        with self._store.reading() as connection:
            return [Delivery(*row) for row in connection.execute(_DUE, values)]

    def reschedule(self, delivery: Delivery, tries: int, due: float) -> bool:
        """Set the next attempt at a delivery; return False if a newer change replaced it."""
        values = (tries, due, delivery.hub, delivery.address, delivery.key, delivery.since)
        with self._store.transaction() as connection:
            return connection.execute(_RESCHEDULE, values).rowcount == 1

    def mark_delivered(self, delivery: Delivery) -> None:
        """Remove a delivery, unless the document changed meanwhile, even there and back."""
        values = (delivery.hub, delivery.address, delivery.key, delivery.since)
        with self._store.transaction() as connection:
            connection.execute(_MARK_DELIVERED, values)

    def succeeded(self, hub: str, now: float) -> None:
        """Record a success of a hub, which ends its back-off."""
        sql = """INSERT INTO hub (url, last_success) VALUES (?, ?) ON CONFLICT DO UPDATE
                 SET failures = 0, due = NULL, last_success = excluded.last_success"""
        with self._store.transaction() as connection:
            connection.execute(sql, (hub, now))

    def failed(self, hub: str, error: str, due: float | None) -> None:
        """Record a failure of a hub; ``due`` is the end of its back-off, None for no back-off."""
        sql = """INSERT INTO hub (url, failures, due, last_error) VALUES (?, 1, ?, ?)
                 ON CONFLICT DO UPDATE SET failures = failures + 1,
                 due = coalesce(excluded.due, due), last_error = excluded.last_error"""
        with self._store.transaction() as connection:
            connection.execute(sql, (hub, due, error))

    def expedite(self, pause: float) -> None:
        """End all back-offs; make each delivery due ``pause`` seconds after its change at most."""
        with self._store.transaction() as connection:
            connection.execute("UPDATE announcement SET due = min(due, since + ?)", (pause,))
            connection.execute("UPDATE hub SET due = NULL")

    def keep_only(self, hubs: Collection[str]) -> None:
        """Delete the rows of hubs that are no longer configured."""
        with self._store.transaction() as connection:
            for table, column in (("announcement", "hub"), ("hub", "url")):
                known = connection.execute(f"SELECT DISTINCT {column} FROM {table}").fetchall()
                gone = [(hub,) for (hub,) in known if hub not in hubs]
                connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", gone)

    def states(self, hubs: Collection[str]) -> list[HubState]:
        """Return the state of each hub; without hubs the database is not opened."""
        if not hubs:
            return []
        with self._store.reading() as connection:
            found = (connection.execute(_STATE, {"hub": hub}).fetchone() for hub in hubs)
            return [HubState(*row) for row in found]


_KEY = "SELECT key FROM document WHERE path = ? AND month = ? AND part = ?"

_PUT = "INSERT OR REPLACE INTO document (path, month, part, stamp, key) VALUES (?, ?, ?, ?, ?)"

#: A further change does not delay a waiting delivery, unless that was tried since.
_QUEUE = """
INSERT INTO announcement (hub, address, key, since, due) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    key = excluded.key, since = excluded.since, tries = 0,
    due = CASE tries WHEN 0 THEN min(due, excluded.due) ELSE excluded.due END"""

#: Matches a delivery only while no newer change has replaced it.
_CHANGE = "WHERE hub = ? AND address = ? AND key = ? AND since = ?"
_RESCHEDULE = f"UPDATE announcement SET tries = ?, due = ? {_CHANGE}"
_MARK_DELIVERED = f"DELETE FROM announcement {_CHANGE}"

_DUE = """
SELECT hub, address, key, since, tries, coalesce(failures, 0)
FROM announcement LEFT JOIN hub ON url = hub
WHERE hub = :hub
  AND (announcement.due <= :now OR announcement.due > :far)
  AND (hub.due IS NULL OR hub.due <= :now OR hub.due > :far)
ORDER BY announcement.due LIMIT :limit"""

_STATE = """
SELECT :hub, count(address), coalesce(failures, 0), last_success,
       max(min(announcement.due), coalesce(hub.due, 0)), coalesce(last_error, '')
FROM (SELECT 1) LEFT JOIN hub ON url = :hub LEFT JOIN announcement ON announcement.hub = :hub"""
