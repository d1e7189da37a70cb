"""What is announced to hubs, and what is still to be: a small database in the instance folder.

It holds states, not events: of every document the key that it had when it was last looked at, and
of each address that a hub does not know the key of yet, one row. So changes that come faster than
they can be told are told once, and a process that dies at any moment loses nothing.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from feeds.locks import LeaderLock
from feeds.model import FeedId
from feeds.sqlite import Store

#: In the instance folder.
WEBSUB = "websub.sqlite"

#: Seconds that nothing waits longer for, whatever a hub wished: more means a clock set back.
LONGEST = 86_400

_SCHEMA = """
CREATE TABLE IF NOT EXISTS document (
    path TEXT NOT NULL,
    month TEXT NOT NULL,        -- '' for the feed itself
    part INTEGER NOT NULL,      -- 0 for the last of a month, and for a feed
    stamp TEXT NOT NULL,        -- moves whenever the key may have
    key TEXT NOT NULL,          -- '' when nothing is served there
    PRIMARY KEY (path, month, part)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS announcement (
    hub TEXT NOT NULL,
    address TEXT NOT NULL,
    key TEXT NOT NULL,          -- what the hub is to be told of
    since REAL NOT NULL,        -- when the key was first seen, as all times in seconds UTC
    tries INTEGER NOT NULL DEFAULT 0,
    due REAL NOT NULL,
    PRIMARY KEY (hub, address)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS announcement_due ON announcement (hub, due);
CREATE TABLE IF NOT EXISTS hub (
    url TEXT PRIMARY KEY,
    failures INTEGER NOT NULL DEFAULT 0,    -- since it last answered
    due REAL,                               -- left alone until then
    last_success REAL,
    last_error TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;"""


@dataclass(frozen=True, slots=True)
class DocumentState:
    """A document as it was seen: its key, and the addresses that show it."""

    id: FeedId
    stamp: str
    key: str
    addresses: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a hub is to be told now."""

    hub: str
    address: str
    key: str
    since: float
    #: How often the hub was told and refused it.
    tries: int
    #: How often the hub failed since it last answered.
    failures: int


@dataclass(frozen=True, slots=True)
class HubState:
    """How a hub is doing."""

    hub: str
    #: Addresses that it is still to be told of.
    pending: int = 0
    #: Attempts that failed since the last that did not.
    failures: int = 0
    #: Seconds UTC; None when there was none.
    last_success: float | None = None
    #: None when nothing waits.
    next_try: float | None = None
    last_error: str = ""


class Outbox:
    """The database; each call raises StoreUnavailable when it cannot be used now."""

    def __init__(self, path: Path) -> None:
        """Take the file, which need not be there yet."""
        self._store = Store(path, (_SCHEMA,))

    def turn(self) -> LeaderLock:
        """The turn to announce for all processes of the machine."""
        return LeaderLock(self._store.path.with_suffix(".lock"))

    def is_new(self) -> bool:
        """Whether no document was ever seen, or none is remembered."""
        with self._store.reading() as connection:
            return connection.execute("SELECT 1 FROM document LIMIT 1").fetchone() is None

    def stamps(self) -> dict[str, str]:
        """Of each feed the stamp that it was last seen with."""
        with self._store.reading() as connection:
            return dict(connection.execute("SELECT path, stamp FROM document WHERE month = ''"))

    def months(self, path: str) -> dict[str, str]:
        """The same of the months of a feed."""
        sql = "SELECT month, stamp FROM document WHERE path = ? AND month <> '' AND part = 0"
        with self._store.reading() as connection:
            return dict(connection.execute(sql, (path,)))

    def note(
        self, seen: Collection[DocumentState], hubs: Collection[str], now: float, due: float
    ) -> None:
        """Keep what was seen, all or nothing; hubs are to be told where a key is another."""
        with self._store.transaction() as connection:
            for each in seen:
                place = (each.id.path, each.id.month or "", each.id.part or 0)
                known = connection.execute(_KEY, place).fetchone()
                connection.execute(_PUT, (*place, each.stamp, each.key))
                if known != (each.key,):
                    rows = [(hub, a, each.key, now, due) for a in each.addresses for hub in hubs]
                    connection.executemany(_QUEUE, rows)

    def due(self, hub: str, now: float, limit: int) -> list[Delivery]:
        """What a hub is to be told now, the longest due first; nothing while it is left alone."""
        values = {"hub": hub, "now": now, "far": now + LONGEST, "limit": limit}
        with self._store.reading() as connection:
            return [Delivery(*row) for row in connection.execute(_DUE, values)]

    def postpone(self, told: Delivery, tries: int, due: float) -> bool:
        """Leave one address alone until then; return whether it is still the same change."""
        values = (tries, due, told.hub, told.address, told.key, told.since)
        with self._store.transaction() as connection:
            return connection.execute(_PUT_OFF, values).rowcount == 1

    def mark_delivered(self, told: Delivery) -> None:
        """A hub knows the key of an address, unless that changed meanwhile, there and back even."""
        with self._store.transaction() as connection:
            connection.execute(_SETTLE, (told.hub, told.address, told.key, told.since))

    def succeeded(self, hub: str, now: float) -> None:
        """A hub took what it was told."""
        sql = """INSERT INTO hub (url, last_success) VALUES (?, ?) ON CONFLICT DO UPDATE
                 SET failures = 0, due = NULL, last_success = excluded.last_success"""
        with self._store.transaction() as connection:
            connection.execute(sql, (hub, now))

    def failed(self, hub: str, error: str, due: float | None) -> None:
        """A hub did not; one that is down is left alone for some time."""
        sql = """INSERT INTO hub (url, failures, due, last_error) VALUES (?, 1, ?, ?)
                 ON CONFLICT DO UPDATE SET failures = failures + 1,
                 due = coalesce(excluded.due, due), last_error = excluded.last_error"""
        with self._store.transaction() as connection:
            connection.execute(sql, (hub, due, error))

    def expedite(self, pause: float) -> None:
        """Let nothing wait longer than so many seconds after its change."""
        with self._store.transaction() as connection:
            connection.execute("UPDATE announcement SET due = min(due, since + ?)", (pause,))
            connection.execute("UPDATE hub SET due = NULL")

    def keep_only(self, hubs: Collection[str]) -> None:
        """Forget hubs that are configured no longer."""
        with self._store.transaction() as connection:
            for table, column in (("announcement", "hub"), ("hub", "url")):
                known = connection.execute(f"SELECT DISTINCT {column} FROM {table}").fetchall()
                gone = [(hub,) for (hub,) in known if hub not in hubs]
                connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", gone)

    def states(self, hubs: Collection[str]) -> list[HubState]:
        """How each hub is doing; of none without looking."""
        if not hubs:
            return []
        with self._store.reading() as connection:
            found = (connection.execute(_STATE, {"hub": hub}).fetchone() for hub in hubs)
            return [HubState(*row) for row in found]


_KEY = "SELECT key FROM document WHERE path = ? AND month = ? AND part = ?"

_PUT = "INSERT OR REPLACE INTO document (path, month, part, stamp, key) VALUES (?, ?, ?, ?, ?)"

#: What waits already is told no later for having changed again, unless it was tried since.
_QUEUE = """
INSERT INTO announcement (hub, address, key, since, due) VALUES (?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    key = excluded.key, since = excluded.since, tries = 0,
    due = CASE tries WHEN 0 THEN min(due, excluded.due) ELSE excluded.due END"""

#: What changed meanwhile has its own pause.
_CHANGE = "WHERE hub = ? AND address = ? AND key = ? AND since = ?"
_PUT_OFF = f"UPDATE announcement SET tries = ?, due = ? {_CHANGE}"
_SETTLE = f"DELETE FROM announcement {_CHANGE}"

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
