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

from feeds.articles import split, storable
from feeds.index import (
    SETTLE,
    FileOutcome,
    IndexWriter,
    SharedState,
    Stamps,
    clear,
    connect,
    date_changes,
    drop_empty_feeds,
    forget_folder,
    is_database,
    made_for,
    mark_everything,
    mark_lists,
    rebuild_if_corrupt,
    sync_state,
    undate_changes,
)
from feeds.locks import locked
from feeds.sqlite import is_corrupt, is_suspect, transaction
from feeds.sync import scan
from feeds.sync.diff import FolderDiff, find, is_great_loss, namable, plan, with_hidden
from feeds.sync.ingest import Ingester, outcomes
from feeds.sync.own_images import PICTURES

log = logging.getLogger(__name__)

_HELD = (
    "%d of %d files are gone from %s: is it the right folder, and mounted? Their articles stay %s"
    " (`.venv/bin/flask --app app refresh --confirm`, with the settings of this server)"
)
#: How long they stay when some files are left in the folder, and when none is.
_STAY = (f"for {SETTLE} s, or until you confirm the loss", "until you confirm the loss")

#: Called with how many files have been read and how many there are to read.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """The result of a refresh."""

    read: int = 0
    gone: int = 0
    #: How many files are gone whose articles stay until that is certain.
    held: int = 0
    #: When something must be looked at again without any file changing: seconds UTC.
    due: int | None = None


@dataclass(frozen=True, slots=True)
class Refresher:
    """Refreshes one index from one content folder."""

    reader: Ingester
    #: The content folder as it is configured: a link that leads elsewhere by now is no other one.
    folder: Path
    #: The file of the index.
    path: Path
    shared: SharedState
    #: Of the settings that the index depends on.
    fingerprint: bytes
    #: Of all that decides how pages and lists show what is in it.
    pages: bytes
    clock: Callable[[], float]
    #: Called before anything is touched; raises SettingsError when others own the index.
    ensure_no_other_owner: Callable[[], None]
    #: Called before what is in the index is believed; throws a damaged one away.
    check_integrity: Callable[[], None]
    #: Called when nothing is in the index any more that the folder says must not be served.
    mark_verified: Callable[[], None]

    def refresh(
        self,
        below: Collection[str] = ("",),
        progress: Progress = lambda done, total: None,
        is_confirmed: bool = False,
    ) -> RefreshReport:
        """Bring in all that changed below some folders or in some files; all by default.

        A great loss of articles is held back at first, unless ``is_confirmed``. Raise OSError,
        sqlite3.Error or WrongFile when disk or index cannot be used, SettingsError when a server
        with other settings owns the index; the index is then as it was.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        ours = replace(self, reader=self.reader.resolved())
        with locked(self.path.with_suffix(".lock")):
            self.ensure_no_other_owner()
            self.shared.reopen()
            if not is_database(self.path):
                rebuild_if_corrupt(self.path)
            self.check_integrity()
            try:
                return ours._refresh(below, progress, is_confirmed)
            except sqlite3.Error as error:
                if is_suspect(error):
                    self.shared.mark_suspect()
                if not is_corrupt(error):
                    raise
                rebuild_if_corrupt(self.path, error)
            return ours._refresh(below, progress, is_confirmed)

    def _refresh(
        self, below: Collection[str], progress: Progress, is_confirmed: bool
    ) -> RefreshReport:
        with closing(connect(self.path)) as connection:
            now = int(self.clock())
            if sync_state.meta(connection, "revision") not in (None, self.shared.revision()):
                # The process that committed that died before announcing it: until now others may
                # have served what was before.
                undate_changes(connection)
            self._forget_other_folder(connection)
            self._mark_looks(connection, now)
            must_rebuild = sync_state.meta(connection, "made-for") != made_for(self.fingerprint)
            # A part of the folder does not show whether the files of a loss are back or moved.
            is_whole = must_rebuild or "" in below or (bool(below) and _held(connection) > 0)
            paths = {""} if is_whole else set(map(namable, below))
            known, found = self._compared(connection, paths, now)
            todo = with_hidden(self.reader.content, plan(found, known), found, known)
            held = self._hold_back(connection, todo, now, is_whole, is_confirmed)
            gone = tuple(sorted(todo.hidden)) if held else todo.gone
            if must_rebuild and known:
                # Making it anew may take minutes, in which it is served: nobody may see in it then
                # what has become a draft.
                order = sync_state.precedence(connection, must_rebuild=False)
                changed = PendingWork(tuple(sorted(todo.read, key=order)), gone, must_rebuild=False)
                self._apply(connection, changed, now, progress)
                self._announce(connection, now)
            if held and must_rebuild:
                # Made anew it would hold what is left; as it is, it holds what was served.
                return _report(connection, now)
            due = sync_state.due(connection, now)
            reads = plan(found, {}).read if must_rebuild else (*todo.read, *due)
            order = sync_state.precedence(connection, must_rebuild)
            work = PendingWork(tuple(sorted(set(reads), key=order)), gone, must_rebuild)
            if work:
                self._apply(connection, work, now, progress)
            else:
                self._apply_due(connection, now)
            self._announce(connection, now)
            return _report(connection, now, len(work.reads), len(work.gone))

    def _compared(
        self, connection: sqlite3.Connection, paths: set[str], now: int
    ) -> tuple[Stamps, Stamps]:
        """Return the stamps of files as the index has them and as the disk has them."""
        resized = set(self._resized(connection, paths))
        below = paths | resized
        known = sync_state.known(connection, below)
        for folder, name in map(split, resized):
            known.setdefault(folder, {})[name] = ""
        try:
            return known, find(self.reader.content, below, known)
        except OSError:
            # Nothing is known of the files now, but an expiry needs none of them.
            self._apply_due(connection, now)
            self._publish_revision(connection, self.shared.refreshed)
            raise

    def _resized(self, connection: sqlite3.Connection, paths: set[str]) -> Iterable[str]:
        """Return the files whose articles state the size of an image of ours that has changed."""
        if any(path in ("", PICTURES) or path.startswith(f"{PICTURES}/") for path in paths):
            return sync_state.resized(connection, self.reader.picture_length)
        return ()

    def _hold_back(
        self,
        connection: sqlite3.Connection,
        todo: FolderDiff,
        now: int,
        is_whole: bool,
        is_confirmed: bool,
    ) -> bool:
        """Return True if missing articles stay served for now, as after a failed mount."""
        total = connection.execute("SELECT count(*) FROM file").fetchone()[0] if todo.gone else 0
        is_great = is_great_loss(todo, total)
        is_empty = len(todo.gone) == total + todo.new
        known = sync_state.meta(connection, "held-since")
        is_other = known is None or sync_state.meta(connection, "held-empty") != is_empty
        # A clock that was set back must not hold it for longer.
        since = now if known is None or is_other else min(now, int(known))
        is_certain = now - since >= SETTLE and not is_empty
        is_held = is_great and not is_certain and not is_confirmed
        if is_held:
            count = len(todo.gone) - len(todo.hidden)
            if is_other:
                log.warning(_HELD, count, total, self.reader.content, _STAY[is_empty])
            _note_held(connection, since, count, is_empty)
        elif known is not None and (is_whole or is_great):
            _note_held(connection, None, None, None)
        return is_held

    def _forget_other_folder(self, connection: sqlite3.Connection) -> None:
        """Begin from nothing if the index is made for another content folder."""
        known = sync_state.meta(connection, "content")
        if known is None:
            sync_state.put_meta(connection, "content", storable(str(self.folder)))
        elif known != storable(str(self.folder)):
            log.info("the index is of another content folder: it is made anew from nothing")
            with transaction(connection):
                forget_folder(connection)

    def _mark_looks(self, connection: sqlite3.Connection, now: int) -> None:
        """Mark what other settings, or another version of the code, show otherwise from now on.

        Before the index is made anew for them: until it is, it is served with them as it is.
        """
        looks, pages = self.fingerprint.hex(), self.pages.hex()
        is_everything = sync_state.meta(connection, "looks") != looks
        if not is_everything and sync_state.meta(connection, "pages") == pages:
            return
        with transaction(connection):
            if is_everything:
                mark_everything(connection, now, self.shared.refreshed)
            else:
                mark_lists(connection, now)
            sync_state.put_meta(connection, "looks", looks)
            sync_state.put_meta(connection, "pages", pages)
            self._move_revision(connection)

    def _apply_due(self, connection: sqlite3.Connection, now: int) -> None:
        """Apply what is due by the clock alone, without any file, if anything is."""
        if sync_state.has_expired_articles(connection, now) or sync_state.has_old_withdrawals(
            connection, now
        ):
            nothing = PendingWork((), (), must_rebuild=False)
            self._apply(connection, nothing, now, lambda done, total: None)

    def _apply(
        self, connection: sqlite3.Connection, work: "PendingWork", now: int, progress: Progress
    ) -> None:
        if work.must_rebuild:
            # The usual 4 MB would write each page of a large index many times over.
            connection.execute("PRAGMA cache_size = -64000")
        with closing(sync_state.PreviousSnapshot(self.path)) as before, transaction(connection):
            if work.must_rebuild:
                clear(connection, now)
            is_there = partial(scan.is_there, self.reader.content, without=frozenset(work.gone))
            writer = IndexWriter(connection, now, is_there, before.is_served)
            for done, outcome in enumerate(outcomes(self.reader, work.reads, now), 1):
                self._apply_outcome(writer, outcome, before if work.must_rebuild else None)
                progress(done, len(work.reads))
            # After the reads: a file that was moved has kept its article by now.
            for path in work.gone:
                writer.remove_file(*split(path))
            writer.withdraw_expired()
            # An id that its file gave up goes to the next file that claims it.
            for path in writer.paths_awaiting_id():
                if heir := self.reader.ingest(path, now):
                    self._apply_outcome(writer, heir, None)
            sync_state.reschedule(connection, now)
            writer.drop_old_withdrawals()
            writer.finish()
            self._mark(connection, writer, work.must_rebuild)

    def _mark(
        self, connection: sqlite3.Connection, writer: IndexWriter, must_rebuild: bool
    ) -> None:
        if must_rebuild:
            if sync_state.meta(connection, "content") != storable(str(self.folder)):
                drop_empty_feeds(connection)
                sync_state.put_meta(connection, "content", storable(str(self.folder)))
            sync_state.put_meta(connection, "made-for", made_for(self.fingerprint))
        elif not writer.has_visible_changes:
            return
        # Should index and revision both be lost, old numbers must not come again.
        self._move_revision(connection, int(self.clock() * 1000) if must_rebuild else 0)

    def _move_revision(self, connection: sqlite3.Connection, least: int = 0) -> None:
        last = int(sync_state.meta(connection, "revision") or 0)
        sync_state.put_meta(connection, "revision", max(last, self.shared.revision(), least) + 1)

    def _announce(self, connection: sqlite3.Connection, now: int) -> None:
        self._publish_revision(connection, now)
        self.mark_verified()

    def _publish_revision(self, connection: sqlite3.Connection, now: int) -> None:
        # A commit may take minutes to come, and nobody sees it before. A clock that was set back
        # makes no change older than what was served before it. On a full disk the dates follow.
        with suppress(sqlite3.OperationalError):
            date_changes(connection, max(int(self.clock()), self.shared.refreshed))
        self.shared.publish(int(sync_state.meta(connection, "revision") or 0), now)

    def _apply_outcome(
        self, writer: IndexWriter, outcome: FileOutcome, before: sync_state.PreviousSnapshot | None
    ) -> None:
        kept = before.article(outcome.folder, outcome.name) if before and outcome.reason else None
        if kept:
            served = replace(outcome, entry=self.reader.entry(*kept))
            if outcome.withdraws:
                # Put back, so that its feeds are known to lose it.
                writer.apply(served)
            else:
                outcome = served
        known = writer.known_outcome(outcome)
        outcome = writer.apply(outcome)
        found = (outcome.reason, outcome.line, outcome.key, outcome.message)
        if found != known and outcome.reason and not outcome.reason.is_deliberate:
            # In the words of `flask check`: an editor finds one in the other.
            log.warning("%s", next(outcome.lines))


def _report(
    connection: sqlite3.Connection, now: int, read: int = 0, gone: int = 0
) -> RefreshReport:
    return RefreshReport(read, gone, _held(connection), sync_state.next_due(connection, now))


def _held(connection: sqlite3.Connection) -> int:
    """Return how many files are gone whose articles stay."""
    return int(sync_state.meta(connection, "held") or 0)


def _note_held(
    connection: sqlite3.Connection, since: int | None, count: int | None, is_empty: bool | None
) -> None:
    """Keep since when how many files are gone whose articles stay; None when none are."""
    found = {"held-since": since, "held": count, "held-empty": is_empty}
    for key, value in found.items():
        if sync_state.meta(connection, key) != value:
            sync_state.put_meta(connection, key, value)


@dataclass(frozen=True, slots=True)
class PendingWork:
    """The changes that a refresh has yet to write."""

    reads: tuple[str, ...]
    gone: tuple[str, ...]
    must_rebuild: bool

    def __bool__(self) -> bool:
        """Return True if there are any changes."""
        return bool(self.reads or self.gone or self.must_rebuild)
