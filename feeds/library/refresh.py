"""Brings the index up to what the folder holds: plan, which is pure, then apply.

Files are compared by stamp (time, size, inode), then articles by what a subscriber can see; all
changes of a refresh appear at once, and one process refreshes at a time.
"""

import logging
import os
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

import msgspec

from feeds.library import changes, disk
from feeds.library.disk import split
from feeds.library.index import SCHEMA, Revision, connect
from feeds.library.lock import locked
from feeds.library.reading import Reader
from feeds.library.verdict import Verdict
from feeds.model import Article

log = logging.getLogger(__name__)

_HELD = "%d of %d files are gone: their articles stay for %d s, or until 'flask refresh --confirm'"

#: Called with how many files have been read and how many there are to read.
Progress = Callable[[int, int], None]

#: From this many files on, reading them in several processes is faster than starting those.
MANY = 1000

#: Seconds after which a great loss of articles is believed, unless nothing is left at all.
SETTLE = 60


@dataclass(frozen=True, slots=True)
class Plan:
    """What a refresh has to do: paths of files to read, and of files that are gone."""

    read: tuple[str, ...]
    gone: tuple[str, ...]
    #: How many of those to read were not there before.
    new: int


def plan(found: Mapping[str, str], known: Mapping[str, str]) -> Plan:
    """Compare the stamps of files on disk with those in the index, both by path."""
    read = tuple(path for path, stamp in found.items() if known.get(path) != stamp)
    gone = tuple(path for path in known if path not in found)
    return Plan(read, gone, sum(path not in known for path in read))


def is_great_loss(plan: Plan, known: int) -> bool:
    """Whether so much is gone that a failed mount is likelier than an editor."""
    lost = len(plan.gone) - plan.new
    return lost > 10 and lost * 5 > known


@dataclass(frozen=True, slots=True)
class Report:
    """What a refresh did."""

    read: int = 0
    gone: int = 0
    #: Files that are gone but whose articles stay until that is certain.
    held: int = 0
    #: When something must be looked at again without any file changing: seconds UTC.
    due: int | None = None


@dataclass(frozen=True, slots=True)
class Refresher:
    """Refreshes one index from one content folder."""

    reader: Reader
    path: Path
    revision: Revision
    #: Of the settings that the index depends on.
    fingerprint: bytes
    clock: Callable[[], float]

    def refresh(
        self,
        below: Collection[str] = ("",),
        progress: Progress = lambda done, total: None,
        is_confirmed: bool = False,
    ) -> Report:
        """Bring in all that changed below some folders or in some files; all by default.

        A great loss of articles is held back at first, unless ``is_confirmed``. Raise OSError or
        sqlite3.Error when disk or index cannot be used; the index is then as it was.
        """
        with locked(self.path.with_suffix(".lock")), closing(self._open()) as connection:
            now = int(self.clock())
            must_rebuild = _meta(connection, "made-for") != changes.made_for(self.fingerprint)
            below = {_named(path) for path in below}
            whole = must_rebuild or "" in below
            known = {} if must_rebuild else _known(connection, [""] if whole else below)
            todo = plan(_found(self.reader.content, [""] if whole else below), known)
            held = self._hold_back(connection, todo, now, whole) and not is_confirmed
            if held:
                todo = replace(todo, gone=())
            reads = list(dict.fromkeys((*todo.read, *_due(connection, now))))
            if must_rebuild or reads or todo.gone or _has_old_withdrawals(connection, now):
                self._apply(connection, reads, todo.gone, now, progress, must_rebuild)
            self.revision.set(int(_meta(connection, "revision") or 0))
            return Report(len(reads), len(todo.gone), int(held), _next_due(connection))

    def _open(self) -> sqlite3.Connection:
        connection = connect(self.path)
        connection.executescript(SCHEMA)
        return connection

    def _hold_back(self, connection: sqlite3.Connection, todo: Plan, now: int, whole: bool) -> bool:
        """Whether what is gone stays served for now: a failed mount must not empty the feeds."""
        total = connection.execute("SELECT count(*) FROM file").fetchone()[0] if todo.gone else 0
        since = _meta(connection, "held-since")
        if not is_great_loss(todo, total):
            if whole and since is not None:
                changes.put_meta(connection, "held-since", None)
            return False
        if since is None:
            since = now
            log.warning(_HELD, len(todo.gone), total, SETTLE)
            changes.put_meta(connection, "held-since", now)
        return now - int(since) < SETTLE or len(todo.gone) == total

    def _apply(
        self,
        connection: sqlite3.Connection,
        reads: list[str],
        gone: Collection[str],
        now: int,
        progress: Progress,
        must_rebuild: bool,
    ) -> None:
        kept = _set_aside(connection) if must_rebuild else {}
        if must_rebuild:
            # The usual 4 MB would write each page of a large index many times over.
            connection.execute("PRAGMA cache_size = -64000")
        with changes.transaction(connection):
            if must_rebuild:
                changes.clear(connection)
            writer = changes.Changes(connection, now)
            for path in gone:
                writer.forget(*split(path))
            for done, verdict in enumerate(self._verdicts(reads, now), 1):
                self._judge(writer, verdict, kept.get(verdict.path))
                progress(done, len(reads))
            # An id that its file gave up goes to the next file that claims it.
            for path in writer.claimants():
                if heir := self.reader.judge(path, now):
                    self._judge(writer, heir, None)
            writer.drop_old_withdrawals()
            writer.finish()
            changes.put_meta(connection, "made-for", changes.made_for(self.fingerprint))
            if writer.are_visible or must_rebuild:
                revision = int(_meta(connection, "revision") or 0)
                changes.put_meta(connection, "revision", max(revision, self.revision.get()) + 1)

    def _judge(self, writer: changes.Changes, verdict: Verdict, kept: Article | None) -> None:
        if kept and verdict.reason and not verdict.takes_down:
            verdict = replace(verdict, entry=self.reader.entry(kept))
        verdict = writer.judge(verdict)
        if verdict.reason and not verdict.reason.is_deliberate:
            where = f"{verdict.shown}:{verdict.line or 1}: {verdict.key or 'file'}"
            log.warning("%s: %s: %s", where, verdict.reason, verdict.message)

    def _verdicts(self, paths: list[str], now: int) -> Iterator[Verdict]:
        """The verdict on each file; one that is gone by now has none and is met again later."""
        judge = partial(self.reader.judge, now=now)
        if len(paths) < MANY:
            yield from filter(None, map(judge, paths))
            return
        # Not by forking: a server has threads, and their locks would stay locked in the child.
        with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
            for some in _batches(paths, 4000):
                yield from filter(None, pool.map(judge, some, chunksize=100))


def _named(path: str) -> str:
    """The path, or the nearest folder above it whose name can be kept."""
    while not disk.is_namable(path):
        path = split(path)[0]
    return path


def _found(content: Path, below: Iterable[str]) -> dict[str, str]:
    """The stamps of all files below some folders, or of some files; what is gone is not there."""
    found: dict[str, str] = {}
    for path in below:
        try:
            status = os.lstat(content / path)
        except (FileNotFoundError, NotADirectoryError):
            if path == "":
                raise
            continue
        if disk.is_hidden(path):
            continue
        if disk.is_folder(status):
            for folder in disk.walk(content, path):
                found |= {folder.of(name): stamp for name, stamp in folder.stamps.items()}
        elif disk.is_article(path):
            found[path] = disk.stamp(status)
    return found


def _known(connection: sqlite3.Connection, below: Iterable[str]) -> dict[str, str]:
    known = {}
    for path in below:
        if path == "":
            rows = connection.execute("SELECT folder, name, stamp FROM file")
        else:
            rows = connection.execute(_BELOW, (*split(path), path, path, path))
        for folder, name, stamp in rows:
            known[disk.join(folder, name)] = stamp
    return known


_BELOW = """
SELECT folder, name, stamp FROM file WHERE folder = ? AND name = ?
UNION ALL SELECT folder, name, stamp FROM file WHERE folder = ?
UNION ALL SELECT folder, name, stamp FROM file WHERE folder > ? || '/' AND folder < ? || '0'"""


def _due(connection: sqlite3.Connection, now: int) -> Iterator[str]:
    for folder, name in connection.execute("SELECT folder, name FROM file WHERE due <= ?", (now,)):
        yield disk.join(folder, name)


def _has_old_withdrawals(connection: sqlite3.Connection, now: int) -> bool:
    before = now - changes.WITHDRAWAL_SECONDS
    sql = "SELECT 1 FROM withdrawal WHERE moment <= ? LIMIT 1"
    return connection.execute(sql, (before,)).fetchone() is not None


def _next_due(connection: sqlite3.Connection) -> int | None:
    sql = """SELECT min(due) FROM (
        SELECT min(due) AS due FROM file WHERE due IS NOT NULL
        UNION ALL SELECT min(moment) + ? FROM withdrawal
        UNION ALL SELECT value + ? FROM meta WHERE key = 'held-since')"""
    found = connection.execute(sql, (changes.WITHDRAWAL_SECONDS, SETTLE)).fetchone()
    return found[0] if found else None


def _set_aside(connection: sqlite3.Connection) -> dict[str, Article]:
    """The articles that stay served although their files have been broken since."""
    sql = """SELECT folder, name, body FROM article JOIN file USING (folder, name)
             WHERE reason IS NOT NULL"""
    rows = connection.execute(sql).fetchall()
    return {
        disk.join(folder, name): msgspec.json.decode(body, type=Article)
        for folder, name, body in rows
    }


def _meta(connection: sqlite3.Connection, key: str) -> str | int | None:
    found = connection.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return found[0] if found else None


def _batches(paths: list[str], size: int) -> Iterator[list[str]]:
    rest = iter(paths)
    while some := list(islice(rest, size)):
        yield some
