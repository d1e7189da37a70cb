"""Brings the index up to what the folder holds: plan, which is pure, then apply.

Files are compared by stamp (times, size, inode), then articles by what a subscriber can see; all
changes of a refresh appear at once, and one process refreshes at a time.
"""

import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from feeds.library import changes, disk, ledger
from feeds.library.connection import connect
from feeds.library.disk import split
from feeds.library.ledger import SETTLE
from feeds.library.marks import date_changes, mark_everything, mark_lists, undate_changes
from feeds.library.mending import is_database, mend
from feeds.library.own_images import PICTURES
from feeds.library.plan import Plan, find, is_great_loss, namable, plan
from feeds.library.reading import Reader, verdicts
from feeds.library.revision import Revision
from feeds.library.verdict import Verdict
from feeds.locks import locked
from feeds.sqlite import is_corrupt, is_suspect, transaction

log = logging.getLogger(__name__)

_HELD = "%d of %d files are gone: their articles stay %s 'flask refresh --confirm'"

#: Called with how many files have been read and how many there are to read.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What a refresh did."""

    read: int = 0
    gone: int = 0
    #: Whether files are gone whose articles stay until that is certain.
    held: bool = False
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
    #: Of all that decides how pages and lists show what is in it.
    pages: bytes
    clock: Callable[[], float]
    #: Called before what is in the index is believed; throws a damaged one away.
    examine: Callable[[], None]
    #: Called when nothing is in the index any more that the folder says must not be served.
    vouch: Callable[[], None]

    def refresh(
        self,
        below: Collection[str] = ("",),
        progress: Progress = lambda done, total: None,
        is_confirmed: bool = False,
    ) -> Report:
        """Bring in all that changed below some folders or in some files; all by default.

        A great loss of articles is held back at first, unless ``is_confirmed``. Raise OSError,
        sqlite3.Error or WrongFile when disk or index cannot be used; the index is then as it was.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        ours = replace(self, reader=self.reader.resolved())
        with locked(self.path.with_suffix(".lock")):
            self.revision.follow()
            if not is_database(self.path):
                mend(self.path)
            self.examine()
            try:
                return ours._refresh(below, progress, is_confirmed)
            except sqlite3.Error as error:
                if is_suspect(error):
                    self.revision.doubt()
                if not is_corrupt(error):
                    raise
                mend(self.path, error)
            return ours._refresh(below, progress, is_confirmed)

    def _refresh(self, below: Collection[str], progress: Progress, is_confirmed: bool) -> Report:
        with closing(connect(self.path)) as connection:
            now = int(self.clock())
            if ledger.meta(connection, "revision") not in (None, self.revision.get()):
                # Whoever committed that died before announcing it: until now others may have
                # served what was before.
                undate_changes(connection)
            self._mark_looks(connection, now)
            must_rebuild = ledger.meta(connection, "made-for") != changes.made_for(self.fingerprint)
            paths = {""} if must_rebuild or "" in below else set(map(namable, below))
            resized = set(self._resized(connection, paths))
            paths |= resized
            known = ledger.known(connection, paths)
            for folder, name in map(split, resized):
                known.setdefault(folder, {})[name] = ""
            found = find(self.reader.content, paths, known)
            todo = plan(found, known)
            held = self._hold_back(connection, todo, now, "" in paths, is_confirmed)
            gone = () if held else todo.gone
            if must_rebuild and known:
                # Making it anew may take minutes, in which it is served: nobody may see in it then
                # what has become a draft.
                order = ledger.precedence(connection, must_rebuild=False)
                changed = Work(tuple(sorted(todo.read, key=order)), gone, must_rebuild=False)
                self._apply(connection, changed, now, progress)
                self._announce(connection, now)
            if held and must_rebuild:
                # Made anew it would hold what is left; as it is, it holds what was served.
                return Report(held=True, due=ledger.next_due(connection, now))
            due = ledger.due(connection, now)
            reads = plan(found, {}).read if must_rebuild else (*todo.read, *due)
            order = ledger.precedence(connection, must_rebuild)
            work = Work(tuple(sorted(set(reads), key=order)), gone, must_rebuild)
            if work or ledger.has_old_withdrawals(connection, now):
                self._apply(connection, work, now, progress)
            self._announce(connection, now)
            is_held = ledger.meta(connection, "held-since") is not None
            next_due = ledger.next_due(connection, now)
            return Report(len(work.reads), len(work.gone), is_held, next_due)

    def _resized(self, connection: sqlite3.Connection, paths: set[str]) -> Iterable[str]:
        """The files whose articles tell the length of a picture that has another by now."""
        if any(path in ("", PICTURES) or path.startswith(f"{PICTURES}/") for path in paths):
            return ledger.resized(connection, self.reader.picture_length)
        return ()

    def _hold_back(
        self, connection: sqlite3.Connection, todo: Plan, now: int, whole: bool, is_confirmed: bool
    ) -> bool:
        """Whether what is gone stays served for now: a failed mount must not empty the feeds."""
        total = connection.execute("SELECT count(*) FROM file").fetchone()[0] if todo.gone else 0
        is_great = is_great_loss(todo, total)
        said = ledger.meta(connection, "held-since")
        # A clock that was set back must not hold it for longer.
        since = now if said is None else min(now, int(said))
        is_certain = now - since >= SETTLE and len(todo.gone) < total
        held = is_great and not is_certain and not is_confirmed
        if held and said is None:
            until = f"for {SETTLE} s, or until" if len(todo.gone) < total else "until"
            log.warning(_HELD, len(todo.gone), total, until)
        if held and since != said:
            ledger.put_meta(connection, "held-since", since)
        if not held and said is not None and (whole or is_great):
            ledger.put_meta(connection, "held-since", None)
        return held

    def _mark_looks(self, connection: sqlite3.Connection, now: int) -> None:
        """Mark what other settings, or another version of the code, show otherwise from now on.

        Before the index is made anew for them: until it is, it is served with them as it is.
        """
        looks, pages = self.fingerprint.hex(), self.pages.hex()
        is_everything = ledger.meta(connection, "looks") != looks
        if not is_everything and ledger.meta(connection, "pages") == pages:
            return
        with transaction(connection):
            if is_everything:
                mark_everything(connection, now, self.revision.refreshed)
            else:
                mark_lists(connection, now)
            ledger.put_meta(connection, "looks", looks)
            ledger.put_meta(connection, "pages", pages)
            self._move_revision(connection)

    def _apply(
        self, connection: sqlite3.Connection, work: "Work", now: int, progress: Progress
    ) -> None:
        if work.must_rebuild:
            # The usual 4 MB would write each page of a large index many times over.
            connection.execute("PRAGMA cache_size = -64000")
        with closing(ledger.Before(self.path)) as before, transaction(connection):
            if work.must_rebuild:
                changes.clear(connection, now)
            is_there = partial(disk.is_there, self.reader.content, without=frozenset(work.gone))
            writer = changes.Changes(connection, now, is_there)
            for done, verdict in enumerate(verdicts(self.reader, work.reads, now), 1):
                self._judge(writer, verdict, before if work.must_rebuild else None)
                progress(done, len(work.reads))
            # After the reads: a file that was moved has kept its article by now.
            for path in work.gone:
                writer.forget(*split(path))
            # An id that its file gave up goes to the next file that claims it.
            for path in writer.claimants():
                if heir := self.reader.judge(path, now):
                    self._judge(writer, heir, None)
            ledger.postpone(connection, now)
            writer.drop_old_withdrawals()
            writer.finish()
            self._mark(connection, writer, work.must_rebuild)

    def _mark(
        self, connection: sqlite3.Connection, writer: changes.Changes, must_rebuild: bool
    ) -> None:
        if must_rebuild:
            ledger.put_meta(connection, "made-for", changes.made_for(self.fingerprint))
        elif not writer.are_visible:
            return
        # Should index and revision both be lost, old numbers must not come again.
        self._move_revision(connection, int(self.clock() * 1000) if must_rebuild else 0)

    def _move_revision(self, connection: sqlite3.Connection, least: int = 0) -> None:
        last = int(ledger.meta(connection, "revision") or 0)
        ledger.put_meta(connection, "revision", max(last, self.revision.get(), least) + 1)

    def _announce(self, connection: sqlite3.Connection, now: int) -> None:
        # A commit may take minutes to come, and nobody sees it before. A clock that was set back
        # makes no change older than what was served before it. On a full disk the dates follow.
        with suppress(sqlite3.OperationalError):
            date_changes(connection, max(int(self.clock()), self.revision.refreshed))
        self.revision.set(int(ledger.meta(connection, "revision") or 0), now)
        self.vouch()

    def _judge(
        self, writer: changes.Changes, verdict: Verdict, before: ledger.Before | None
    ) -> None:
        kept = before.article(verdict.folder, verdict.name) if before and verdict.reason else None
        if kept:
            served = replace(verdict, entry=self.reader.entry(kept))
            if verdict.takes_down:
                # Put back, so that its feeds are known to lose it.
                writer.judge(served)
            else:
                verdict = served
        known = writer.said(verdict)
        verdict = writer.judge(verdict)
        said = (verdict.reason, verdict.line, verdict.key, verdict.message)
        if said != known and verdict.reason and not verdict.reason.is_deliberate:
            where = f"{verdict.shown}:{verdict.line or 1}: {verdict.key or 'file'}"
            log.warning("%s: %s: %s", where, verdict.reason, verdict.message)


@dataclass(frozen=True, slots=True)
class Work:
    """What is to be written."""

    reads: tuple[str, ...]
    gone: tuple[str, ...]
    must_rebuild: bool

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self.reads or self.gone or self.must_rebuild)
