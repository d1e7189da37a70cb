"""Tests of the databases of the instance folder: two processes, other versions, damage."""

import logging
import multiprocessing
import os
import sqlite3
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from app import create_app
from feeds.errors import SettingsError, StoreUnavailable, WrongFile
from feeds.image_sizes import ImageFacts, ImageSizes, known_facts
from feeds.index import sync_state
from feeds.index.database import MIGRATIONS
from feeds.metrics.counters import Counters, SharedCounters
from feeds.model import FeedId
from feeds.sqlite import Store
from feeds.subscribers.counting import DayCount, Subscribers
from feeds.websub.outbox import DocumentState, Outbox
from tests.conftest import NOW, SITE_URL, Clock, Content, Site
from tests.layouts import to_first_layout
from tests.live_servers import started
from tests.programs import skip_if_quick
from tests.waiting import wait_for
from tests.web_helpers import titles

TODAY = 20_000


# Each kind of database in use: write one row, read, count the stored rows.


class Kind:
    def finish(self) -> None:
        """Write the counts in memory."""


class CountsStore(Kind):
    file, writes = "metrics.sqlite", 800

    def __init__(self, folder: Path) -> None:
        self.counts = Counters()
        self.shared = SharedCounters(self.counts, folder / self.file)

    def write(self, name: str) -> None:
        self.counts.numbers["a test",] += 1
        self.shared.flush()

    def finish(self) -> None:
        # Counts that could not be written are kept for the next time.
        for _ in range(10):
            self.shared.flush()

    def read(self) -> object:
        return self.shared.read()

    def total(self) -> float:
        return self.shared.read().get(("a test",), 0)


class SubscribersStore(Kind):
    file, writes = "subscribers.sqlite", 100

    def __init__(self, folder: Path) -> None:
        self.subscribers = Subscribers(folder / self.file)

    def write(self, name: str) -> None:
        self.subscribers.merge([DayCount(name, TODAY, 1, 1)])

    def read(self) -> object:
        return self.subscribers.days()

    def total(self) -> float:
        return len(self.subscribers.days())


class OutboxStore(Kind):
    file, writes = "websub.sqlite", 100

    def __init__(self, folder: Path) -> None:
        self.queue = Outbox(folder / self.file)

    def write(self, name: str) -> None:
        seen = DocumentState(FeedId(name), "stamp", "key", (f"https://feeds.example/{name}",))
        self.queue.record([seen], ["https://hub.example/"], 0, 0)

    def read(self) -> object:
        return self.queue.due("https://hub.example/", 1, 10)

    def total(self) -> float:
        return len(self.queue.stamps())


class PicturesStore(Kind):
    file, writes = "pictures.sqlite", 100

    def __init__(self, folder: Path) -> None:
        self.path = folder / self.file
        self.pictures = ImageSizes(folder / "index.sqlite", self.path, lambda url: False)

    def write(self, name: str) -> None:
        self.pictures.store(name, ImageFacts(1, "image/png"), 0)

    def read(self) -> object:
        return known_facts(self.path, "0-0")

    def total(self) -> float:
        names = [f"{number}-{row}" for number in range(2) for row in range(self.writes)]
        return sum(known_facts(self.path, name).length or 0 for name in names)


class IndexStore(Kind):
    file, writes = "index.sqlite", 50

    def __init__(self, folder: Path) -> None:
        self.content = Content(folder / "content")
        self.content.folder.mkdir(exist_ok=True)
        self.site = Site(create_app(environment(self.content, folder)))

    def write(self, name: str) -> None:
        self.content.write(f"{name}.md")
        self.site.sync.refresh([f"{name}.md"])

    def read(self) -> object:
        return self.site.sync.index.known_feeds()

    def total(self) -> float:
        return self.site.sync.index.tally()["served"]


STORES: dict[str, Callable[[Path], Any]] = {
    "counts": CountsStore,
    "subscribers": SubscribersStore,
    "outbox": OutboxStore,
    "pictures": PicturesStore,
    "index": IndexStore,
}

#: All but the index, which is disposable.
KEPT = [name for name in STORES if name != "index"]


def environment(content: Content, instance: Path) -> dict[str, str]:
    return {
        "FEEDS_CONTENT_DIR": str(content.folder),
        "FEEDS_INSTANCE_DIR": str(instance),
        "FEEDS_URL": SITE_URL,
    }


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return STORES[request.param](tmp_path)


@pytest.fixture(params=KEPT)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return STORES[request.param](tmp_path)


def hammer(kind: str, folder: Path, process: int, begin: Barrier) -> None:
    """Write in one thread and read in another; write all errors to a file."""
    wrong: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: wrong.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    store = STORES[kind](folder)
    is_written = threading.Event()

    def attempt(work: Callable[[], object]) -> bool:
        try:
            work()
        except Exception as error:
            wrong.append(repr(error))
            return False
        return True

    def read() -> None:
        while not is_written.is_set():
            attempt(store.read)

    reader = threading.Thread(target=read)
    begin.wait(60)
    reader.start()
    for number in range(store.writes):
        # A busy file loses nothing: the caller gets an error, and retries.
        write = partial(store.write, f"{process}-{number}")
        while not attempt(write) and "database is locked" in wrong[-1]:
            pass
    store.finish()
    is_written.set()
    reader.join()
    grave = [line for line in wrong if "database is locked" not in line]
    (folder / f"wrong-{process}").write_text("\n".join(grave))


@pytest.mark.parametrize("kind", STORES)
def test_two_processes_that_write_and_read_at_once_lose_nothing(kind: str, tmp_path: Path) -> None:
    skip_if_quick()
    context = multiprocessing.get_context("spawn")
    begin = context.Barrier(2)
    store = STORES[kind](tmp_path)
    store.write("0-0")
    before = store.total()
    processes = [
        context.Process(target=hammer, args=(kind, tmp_path, number, begin)) for number in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)

    wrong = [(tmp_path / f"wrong-{number}").read_text() for number in range(2)]
    expected = 2 * store.writes + (before if kind == "counts" else 0)
    assert (store.total(), wrong) == (expected, ["", ""])


# Creating files.


def test_a_file_is_created_for_its_owner_alone(store: Any, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        store.write("0-0")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / store.file).stat().st_mode) == 0o600


def test_a_reader_creates_no_file(store: Any, tmp_path: Path) -> None:
    with suppress(Exception):
        store.read()

    assert not (tmp_path / store.file).exists()


def test_a_missing_file_reads_as_an_empty_one(kept: Any) -> None:
    kept.read()

    assert kept.total() == 0


# Other versions.


def layout(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        return int(version)


def change(path: Path, *statements: str) -> bytes:
    """Change a file directly; return its content."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path.read_bytes()


def test_a_file_of_a_newer_version_is_not_changed_and_named(kept: Any, tmp_path: Path) -> None:
    kept.write("0-0")
    path = tmp_path / kept.file
    written = change(path, "PRAGMA user_version = 99")

    printed = outcome(kept)

    assert (path.read_bytes(), list(tmp_path.glob("*.damaged"))) == (written, [])
    assert f"{path}: written by a newer version of Tributary" in printed
    assert "run the newer version, or move the file away" in printed


def outcome(store: Any) -> str:
    """Return the report of a write, as an error or in the log."""
    found: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: found.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        store.write("0-1")
    except StoreUnavailable as error:
        found.append(str(error))
    finally:
        logging.getLogger().removeHandler(handler)
    return "\n".join(found)


def test_a_file_of_another_program_is_not_changed_and_named(kept: Any, tmp_path: Path) -> None:
    path = tmp_path / kept.file
    written = change(path, "CREATE TABLE moz_places (id INTEGER)")

    printed = outcome(kept)

    assert (path.read_bytes(), list(tmp_path.glob("*.damaged"))) == (written, [])
    assert f"{path}: has the tables of another program: move the file away" in printed


#: The tables from before files had a version, with a row in each.
RELEASED = {
    "counts": [
        "CREATE TABLE number (key BLOB PRIMARY KEY, value)",
        """INSERT INTO number VALUES (CAST('["a test"]' AS BLOB), 7)""",
    ],
    "subscribers": [
        "CREATE TABLE day_count (feed, day, by_services, alone, PRIMARY KEY (feed, day))",
        """CREATE TABLE claim (feed, path, service, id, count, day,
           PRIMARY KEY (feed, path, service, id))""",
        "CREATE TABLE poller (feed, hash, PRIMARY KEY (feed, hash)) WITHOUT ROWID",
        "CREATE TABLE secret (key, day)",
        "INSERT INTO day_count VALUES ('all', 19999, 30, 4), ('topics/ai', 20000, 0, 2)",
        "INSERT INTO claim VALUES ('all', '', 'Feedly', '7', 30, 19999)",
        "INSERT INTO poller VALUES ('all', 5), ('all', 6), ('topics/ai', 7)",
        "INSERT INTO secret VALUES (x'00', 20000)",
    ],
    "outbox": [
        """CREATE TABLE document (path TEXT NOT NULL, month TEXT NOT NULL, part INTEGER NOT NULL,
           stamp TEXT NOT NULL, key TEXT NOT NULL,
           PRIMARY KEY (path, month, part)) WITHOUT ROWID""",
        """CREATE TABLE announcement (hub TEXT NOT NULL, address TEXT NOT NULL, key TEXT NOT NULL,
           since REAL NOT NULL, tries INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL,
           PRIMARY KEY (hub, address)) WITHOUT ROWID""",
        "CREATE INDEX announcement_due ON announcement (hub, due)",
        """CREATE TABLE hub (url TEXT PRIMARY KEY, failures INTEGER NOT NULL DEFAULT 0, due REAL,
           last_success REAL, last_error TEXT NOT NULL DEFAULT '') WITHOUT ROWID""",
        "INSERT INTO document VALUES ('all', '', 0, 'stamp', 'key')",
        "INSERT INTO announcement VALUES ('https://hub.example/', 'a', 'key', 0, 0, 0)",
    ],
    "pictures": [
        "PRAGMA journal_mode = WAL",
        """CREATE TABLE picture (url TEXT PRIMARY KEY, length INTEGER, media_type TEXT,
           asked INTEGER NOT NULL) WITHOUT ROWID""",
        "INSERT INTO picture VALUES ('0-0', 1, 'image/png', 0)",
    ],
}


def rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        # The table of tokens has no readable rows, but its shadow tables have.
        sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'found'"
        tables = [name for (name,) in connection.execute(sql).fetchall()]
        return {t: connection.execute(f"SELECT * FROM {t}").fetchall() for t in tables}


@pytest.mark.parametrize("kind", KEPT)
def test_a_file_from_before_versions_is_migrated_without_loss(kind: str, tmp_path: Path) -> None:
    store = STORES[kind](tmp_path)
    path = tmp_path / store.file
    change(path, *RELEASED[kind])
    before = rows(path)

    store.read()
    total = store.total()
    store.write("0-1")

    after = rows(path)
    assert total > 0
    assert store.total() == total + 1
    assert all(set(before[table]) <= set(after[table]) for table in before if table != "number")
    assert layout(path) == 1
    assert list(tmp_path.glob("*.damaged")) == []


def test_counts_continue_from_those_before_versions(tmp_path: Path) -> None:
    change(tmp_path / "subscribers.sqlite", *RELEASED["subscribers"])

    found = Subscribers(tmp_path / "subscribers.sqlite").days()

    assert found == [DayCount("all", 19_999, 30, 4), DayCount("topics/ai", 20_000, 0, 2)]


@pytest.mark.parametrize("kind", KEPT)
def test_an_additional_column_affects_no_database(kind: str, tmp_path: Path) -> None:
    store = STORES[kind](tmp_path)
    store.write("0-0")
    path = tmp_path / store.file
    tables = [name for name in rows(path) if not name.startswith("sqlite_")]
    change(path, *[f"ALTER TABLE {table} ADD COLUMN more TEXT" for table in tables])
    inode = path.stat().st_ino

    store.write("0-1")

    assert (store.total(), path.stat().st_ino) == (2, inode)


# Damage, and errors without damage.


def test_only_the_damaged_file_itself_is_moved_aside(tmp_path: Path) -> None:
    """Another process may have moved the same file aside and created a new one meanwhile."""
    store = SubscribersStore(tmp_path)
    path = tmp_path / store.file
    store.write("0-0")
    with suppress(StoreUnavailable), Store(path, ("",)).reading() as connection:
        path.rename(tmp_path / "taken.damaged")
        store.write("0-1")
        os.truncate(tmp_path / "taken.damaged", 5000)
        connection.execute("SELECT * FROM day_count").fetchall()
        pytest.fail("read what is damaged")

    assert [row.feed for row in store.subscribers.days()] == ["0-1"]


def test_a_damaged_file_stays_while_another_has_it_open(tmp_path: Path) -> None:
    store = SubscribersStore(tmp_path)
    path = tmp_path / store.file
    store.write("0-0")
    with Store(path, ("",)).reading():
        os.truncate(path, 5000)
        store.read()
        assert not (tmp_path / "subscribers.damaged").exists()

    store.read()

    assert (tmp_path / "subscribers.damaged").exists()


def test_an_error_of_our_own_moves_nothing(kept: Any, tmp_path: Path) -> None:
    kept.write("0-0")
    path = tmp_path / kept.file
    tables = [name for name in rows(path) if not name.startswith("sqlite_")]
    column = {name: first_column(path, name) for name in tables}
    change(path, *[f"ALTER TABLE {t} RENAME COLUMN {c} TO other" for t, c in column.items()])
    before = rows(path)

    outcome(kept)
    with suppress(StoreUnavailable):
        kept.read()

    assert rows(path) == before
    assert list(tmp_path.glob("*.damaged")) == []


def first_column(path: Path, table: str) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute(f"PRAGMA table_info({table})").fetchone()[1])


# The index.


@pytest.fixture
def indexed(content: Content, open_site: Callable[..., Site]) -> Site:
    content.write("a.md", title="A", topics=["Boats"])
    content.write("b.md", title="B")
    return open_site()


def reopened(content: Content, tmp_path: Path, clock: Callable[[], float] = time.time) -> Site:
    """Open the site as another process with the same settings."""
    return Site(create_app(environment(content, tmp_path / "instance"), clock))


def test_an_index_of_a_newer_version_stops_the_start_and_is_not_changed(
    content: Content, indexed: Site, tmp_path: Path
) -> None:
    path = tmp_path / "instance" / "index.sqlite"
    change(path, "PRAGMA user_version = 99")
    before = rows(path)

    with pytest.raises(SettingsError, match=f"{path}: written by a newer version of Tributary"):
        reopened(content, tmp_path)

    assert (layout(path), rows(path)) == (99, before)


def test_an_index_of_an_older_version_is_migrated_with_its_times(
    content: Content, tmp_path: Path, clock: Clock
) -> None:
    content.write("one.md")
    (tmp_path / "instance").mkdir()
    with closing(sqlite3.connect(tmp_path / "instance" / "index.sqlite")) as older:
        older.executescript(MIGRATIONS[0])
        times = [("", NOW + 60), ("topics/ai", NOW + 60)]
        older.executemany("INSERT INTO feed VALUES (?, 0, ?)", times)
        older.commit()
    clock.now += 120

    site = reopened(content, tmp_path, clock)
    site.sync.refresh()

    answer = site.get("/topics/ai.rss")
    assert answer.status_code == 200
    assert NOW + 60 < answer.last_modified.timestamp() <= clock.now
    assert layout(tmp_path / "instance" / "index.sqlite") == len(MIGRATIONS)


def test_a_server_logs_a_newer_index_in_one_line(
    content: Content, indexed: Site, tmp_path: Path
) -> None:
    path = tmp_path / "instance" / "index.sqlite"
    change(path, "PRAGMA user_version = 99")

    with started(content.folder, tmp_path / "instance", output=subprocess.PIPE) as server:
        printed = server.printed()

    assert printed == (
        f"Error: {path}: written by a newer version of Tributary (layout 99, this version knows"
        f" {len(MIGRATIONS)}): run the newer version, or move the file away\n"
    )


def test_an_index_that_gets_newer_while_it_is_served_is_not_changed(
    content: Content, indexed: Site, tmp_path: Path
) -> None:
    path = tmp_path / "instance" / "index.sqlite"
    before = indexed.get("/all.rss").data
    change(path, "PRAGMA user_version = 99")
    content.write("c.md", title="C")

    with pytest.raises(WrongFile):
        indexed.sync.refresh()

    assert indexed.get("/all.rss").data == before
    assert layout(path) == 99


def test_an_index_from_before_versions_is_migrated_without_loss(
    content: Content, indexed: Site, tmp_path: Path, clock: Clock
) -> None:
    """The tables of such an index are those of the first version."""
    path = tmp_path / "instance" / "index.sqlite"
    content.write("gone.md", topics=["Boats"])
    indexed.sync.refresh()
    clock.now += 100
    content.remove("gone.md")
    indexed.sync.refresh()
    modified = indexed.get("/topics/boats.atom").last_modified
    released = "UPDATE meta SET value = '2:' || value WHERE key = 'made-for'"
    to_first_layout(path)
    change(path, "PRAGMA user_version = 0", released)
    inode = path.stat().st_ino

    again = reopened(content, tmp_path, clock)
    again.sync.refresh()

    answer = again.get("/topics/boats.atom")
    assert answer.text.count("deleted-entry") == 1
    assert answer.last_modified >= modified
    assert titles(again) == ["A", "B"]
    assert (path.stat().st_ino, layout(path)) == (inode, len(MIGRATIONS))


def misspell(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cause a fault in our SQL: SQLITE_ERROR."""
    monkeypatch.setattr(sync_state, "_DUE", sync_state._DUE.replace("due <= ?", "dew <= ?"))


def forbid(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cause the error of a row that must not be written: SQLITE_CONSTRAINT."""
    change(path, "CREATE TRIGGER t BEFORE INSERT ON article BEGIN SELECT RAISE(ABORT, 't'); END")


@pytest.mark.parametrize("fault", [misspell, forbid])
def test_a_fault_in_our_sql_costs_no_index_and_documents_stay_served(
    content: Content,
    indexed: Site,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: Callable[[Path, pytest.MonkeyPatch], None],
) -> None:
    path = tmp_path / "instance" / "index.sqlite"
    inode, before = path.stat().st_ino, rows(path)
    fault(path, monkeypatch)
    content.write("c.md", title="C")

    with pytest.raises(sqlite3.Error):
        indexed.sync.refresh()
    again = reopened(content, tmp_path)
    again.sync.start()

    assert wait_for(lambda: again.get("/all.json").status_code == 200)
    assert titles(again) == titles(indexed) == ["A", "B"]
    again.sync.stop()
    assert (path.stat().st_ino, rows(path)) == (inode, before)


def test_memberships_that_cannot_be_decoded_stop_no_refresh(
    content: Content, indexed: Site, tmp_path: Path
) -> None:
    path = tmp_path / "instance" / "index.sqlite"
    inode = path.stat().st_ino
    change(path, "UPDATE article SET feeds = '[['")
    content.write("a.md", title="New", topics=["Trains"])

    indexed.sync.refresh()

    assert titles(indexed) == ["B", "New"]
    assert indexed.get("/topics/boats.json").json["items"] == []
    assert len(indexed.get("/topics/trains.json").json["items"]) == 1
    assert path.stat().st_ino == inode
