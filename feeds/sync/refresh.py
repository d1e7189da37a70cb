"""Brings the index up to what the folder holds: compares, then reads and writes.

Files are compared by stamp (times, size, inode), then articles by what a subscriber can see. All
changes of a refresh appear at once, and one process refreshes at a time.
"""

import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from feeds.articles import PICTURES, split, storable
from feeds.index import (
    FileOutcome,
    IndexWriter,
    SharedState,
    Stamps,
    clear,
    connect,
    drop_empty_feeds,
    forget_folder,
    is_database,
    lock_file,
    made_for,
    mark_looks,
    move_revision,
    publish_revision,
    rebuild_if_corrupt,
    sync_state,
    undate_changes,
)
from feeds.locks import locked
from feeds.sqlite import is_corrupt, is_suspect, transaction
from feeds.sync import scan
from feeds.sync.diff import compare, find, namable, with_hidden
from feeds.sync.great_loss import accept, held, hold_back
from feeds.sync.ingest import Ingester, outcomes

log = logging.getLogger(__name__)

#: Called with how many files have been read and how many there are to read.
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class RefreshReport:
    """The result of a refresh."""

    read: int = 0
    gone: int = 0
    #: The number of missing files whose articles stay until the loss is certain.
    held: int = 0
    #: When something is due without a change of any file: seconds UTC.
    due: int | None = None


@dataclass(frozen=True, slots=True)
class Refresher:
    """Refreshes one index from one content folder."""

    reader: Ingester
    #: The content folder as it is configured: a link that leads elsewhere by now is the same one.
    folder: Path
    #: The file of the index.
    path: Path
    shared: SharedState
    #: Names the settings that the index depends on.
    fingerprint: bytes
    #: Names all that decides how pages and lists show what is in the index.
    pages: bytes
    clock: Callable[[], float]
    #: Called first; raises SettingsError if a server with other settings owns the index.
    ensure_no_other_owner: Callable[[], None]
    #: Called before the index is read; rebuilds a corrupt one.
    check_integrity: Callable[[], None]
    #: Called when the index holds nothing any more that must not be served.
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
        with locked(lock_file(self.path)):
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
            refresh = _Refresh(self, connection, int(self.clock()), progress)
            refresh.prepare()
            if refresh.must_rebuild():
                return refresh.rebuild(is_confirmed)
            return refresh.update(below, is_confirmed)


@dataclass(frozen=True, slots=True)
class _Refresh:
    """One refresh over one connection, at one moment of the clock."""

    refresher: Refresher
    connection: sqlite3.Connection
    #: Seconds UTC.
    now: int
    progress: Progress

    def prepare(self) -> None:
        """Bring what the index stores about itself up to this process and its settings."""
        if self._meta("revision") not in (None, self.refresher.shared.revision()):
            # The process that committed this revision died before it published it: until now,
            # other processes may have served the revision before.
            undate_changes(self.connection)
        self._forget_other_folder()
        # Before the index is rebuilt for other settings: until then it is shown with them as it is.
        looks, pages = self.refresher.fingerprint.hex(), self.refresher.pages.hex()
        mark_looks(self.connection, self.refresher.shared, self.now, looks, pages)

    def must_rebuild(self) -> bool:
        """Return True if the index was built for other settings, or by another version."""
        return self._meta("made-for") != made_for(self.refresher.fingerprint)

    def update(self, below: Collection[str], is_confirmed: bool) -> RefreshReport:
        """Bring in what changed below some paths, and what is due."""
        # A part of the folder does not show whether the files of a loss are back or moved.
        is_whole = "" in below or (bool(below) and held(self.connection) > 0)
        paths = {""} if is_whole else set(map(namable, below))
        changes = self._changes(paths, is_whole, is_confirmed)
        due = sync_state.due(self.connection, self.now)
        work = _Work(self._in_order({*changes.reads, *due}), changes.gone)
        if work:
            self._apply(work)
        else:
            self._apply_due()
        self._publish()
        return self._report(work)

    def rebuild(self, is_confirmed: bool) -> RefreshReport:
        """Read all files again; while a great loss is held back, the index stays as it is."""
        changes = self._changes({""}, is_whole=True, is_confirmed=is_confirmed)
        if changes.is_known:
            # The rebuild may take minutes, in which the index is served: without new drafts.
            self._apply(_Work(self._in_order(changes.reads), changes.gone))
            self._publish()
        if changes.is_held:
            # A rebuilt index would lose the articles that are held.
            return self._report(_Work())
        order = sync_state.precedence(self.connection, must_rebuild=True)
        every_file = compare(changes.found, {}).read
        work = _Work(tuple(sorted(every_file, key=order)), changes.gone)
        self._apply_all(work)
        self._publish()
        return self._report(work)

    def _changes(self, paths: set[str], is_whole: bool, is_confirmed: bool) -> "_Changes":
        known, found = self._stamps(paths)
        content = self.refresher.reader.content
        diff = with_hidden(content, compare(found, known), found, known)
        if is_confirmed:
            accept(self.connection)
        is_held = not is_confirmed and hold_back(self.connection, content, diff, self.now, is_whole)
        return _Changes(
            found=found,
            reads=diff.read,
            gone=tuple(sorted(diff.hidden)) if is_held else diff.gone,
            is_known=bool(known),
            is_held=is_held,
        )

    def _stamps(self, paths: set[str]) -> tuple[Stamps, Stamps]:
        """Return the stamps of files as the index has them and as the disk has them."""
        resized = set(self._resized(paths))
        below = paths | resized
        known = sync_state.known(self.connection, below)
        for folder, name in map(split, resized):
            known.setdefault(folder, {})[name] = ""
        try:
            return known, find(self.refresher.reader.content, below, known)
        except OSError:
            # The files cannot be listed, but an expiry needs none of them.
            self._apply_due()
            self._publish_revision(self.refresher.shared.refreshed)
            raise

    def _resized(self, paths: set[str]) -> Iterable[str]:
        """Return the files whose articles state the size of an image of ours that has changed."""
        if any(path in ("", PICTURES) or path.startswith(f"{PICTURES}/") for path in paths):
            return sync_state.resized(self.connection, self.refresher.reader.picture_length)
        return ()

    def _in_order(self, paths: Collection[str]) -> tuple[str, ...]:
        order = sync_state.precedence(self.connection, must_rebuild=False)
        return tuple(sorted(paths, key=order))

    def _forget_other_folder(self) -> None:
        """Empty an index that was made for another content folder."""
        known, ours = self._meta("content"), storable(str(self.refresher.folder))
        if known is None:
            sync_state.put_meta(self.connection, "content", ours)
        elif known != ours:
            log.info("the index is of another content folder: it is rebuilt from nothing")
            with transaction(self.connection):
                forget_folder(self.connection)

    def _apply_due(self) -> None:
        """Apply what is due by the clock alone, if anything is."""
        if sync_state.has_expired_articles(self.connection, self.now) or (
            sync_state.has_old_withdrawals(self.connection, self.now)
        ):
            self._apply(_Work())

    def _apply(self, work: "_Work") -> None:
        """Write changes to the index."""
        with self._writer(work) as (writer, _):
            self._write(writer, work, self._apply_outcome)
            if writer.has_visible_changes:
                move_revision(self.connection, self.refresher.shared)

    def _apply_all(self, work: "_Work") -> None:
        """Write the whole index again, for these settings."""
        # The usual 4 MB would write each page of a large index many times over.
        self.connection.execute("PRAGMA cache_size = -64000")
        with self._writer(work) as (writer, before):
            clear(self.connection, self.now)
            self._write(writer, work, partial(self._apply_anew, before))
            folder = storable(str(self.refresher.folder))
            if self._meta("content") != folder:
                drop_empty_feeds(self.connection)
                sync_state.put_meta(self.connection, "content", folder)
            made = made_for(self.refresher.fingerprint)
            sync_state.put_meta(self.connection, "made-for", made)
            # Should index and shared state both be lost, old numbers must not come again.
            least = int(self.refresher.clock() * 1000)
            move_revision(self.connection, self.refresher.shared, least)

    @contextmanager
    def _writer(self, work: "_Work") -> Iterator[tuple[IndexWriter, sync_state.PreviousSnapshot]]:
        """Write in one transaction, with a view of what was in the index before it."""
        content = self.refresher.reader.content
        is_there = partial(scan.is_there, content, without=frozenset(work.gone))
        snapshot = sync_state.PreviousSnapshot(self.refresher.path)
        with closing(snapshot) as before, transaction(self.connection):
            yield IndexWriter(self.connection, self.now, is_there, before.is_served), before

    def _write(
        self, writer: IndexWriter, work: "_Work", apply: Callable[[IndexWriter, FileOutcome], None]
    ) -> None:
        reader = self.refresher.reader
        for done, outcome in enumerate(outcomes(reader, work.reads, self.now), 1):
            apply(writer, outcome)
            self.progress(done, len(work.reads))
        # After the reads: a file that was moved keeps its article.
        for path in work.gone:
            writer.remove_file(*split(path))
        writer.withdraw_expired()
        # An id without a file goes to the next file that has it.
        for path in writer.paths_awaiting_id():
            if heir := reader.ingest(path, self.now):
                self._apply_outcome(writer, heir)
        sync_state.reschedule(self.connection, self.now)
        writer.drop_old_withdrawals()
        writer.finish()

    def _apply_anew(
        self, before: sync_state.PreviousSnapshot, writer: IndexWriter, outcome: FileOutcome
    ) -> None:
        """Write the outcome of a file whose article, if it had one, was cleared."""
        kept = before.article(outcome.folder, outcome.name) if outcome.reason else None
        if kept:
            served = replace(outcome, entry=self.refresher.reader.entry(*kept))
            if outcome.withdraws:
                # Re-inserted so that removing it records the withdrawals.
                writer.apply(served)
            else:
                outcome = served
        self._apply_outcome(writer, outcome)

    def _apply_outcome(self, writer: IndexWriter, outcome: FileOutcome) -> None:
        known = writer.known_outcome(outcome)
        outcome = writer.apply(outcome)
        found = (outcome.reason, outcome.line, outcome.key, outcome.message)
        if found != known and outcome.reason and not outcome.reason.is_deliberate:
            # In the words of `flask check`, so that an editor can search for them.
            log.warning("%s", next(outcome.lines))

    def _meta(self, key: str) -> str | int | None:
        return sync_state.meta(self.connection, key)

    def _publish(self) -> None:
        self._publish_revision(self.now)
        self.refresher.mark_verified()

    def _publish_revision(self, refreshed: int) -> None:
        moment = int(self.refresher.clock())
        publish_revision(self.connection, self.refresher.shared, moment, refreshed)

    def _report(self, work: "_Work") -> RefreshReport:
        due = sync_state.next_due(self.connection, self.now)
        return RefreshReport(len(work.reads), len(work.gone), held(self.connection), due)


@dataclass(frozen=True, slots=True)
class _Changes:
    """The difference of folder and index, without the files of a loss that is held back."""

    #: The stamps of all files that are on the disk.
    found: Stamps
    #: The files to read.
    reads: tuple[str, ...]
    gone: tuple[str, ...]
    #: True if the index knew any files.
    is_known: bool
    is_held: bool


@dataclass(frozen=True, slots=True)
class _Work:
    """The files that a refresh reads, in order, and those that it removes."""

    reads: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return True if there are any changes."""
        return bool(self.reads or self.gone)
