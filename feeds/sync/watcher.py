"""Keeps the index up to date while the server runs: files as they change, dates as they come.

Every worker has a Watcher; the one whose turn it is works, and when it dies the kernel drops its
lock and another takes over.
"""

import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from pathlib import Path
from typing import Protocol

from feeds.locks import LeaderLock
from feeds.logs import LogOnce
from feeds.sync.folder_events import FolderEvents
from feeds.sync.refresh import RefreshReport

log = logging.getLogger(__name__)

#: Seconds between looks at the clock and at whose turn it is.
BEAT = 0.25

#: Seconds between scans of the whole folder where the file system reports no changes.
POLL = 1

#: Seconds after which events are tried again when they could not be had.
RETRY = 10

#: Seconds between looks at the whole folder with new watches: what is written by another name of
#: a file or is mounted makes no event.
RESCAN = 300

#: More changed paths than this are quicker found by one look at the whole folder.
MANY = 2000

#: Seconds between attempts while nothing works.
PAUSE = 1


class Watchable(Protocol):
    """The interface of what a Watcher keeps up to date."""

    def refresh(self, below: Collection[str] = ("",)) -> RefreshReport:
        """Bring in what changed below some folders or in some files."""

    def log_site_changes(self, paths: Collection[str]) -> None:
        """Log which of these paths are files of the site, which take effect with a restart."""

    def reopen(self) -> None:
        """Use the files that all processes share as they are now; raise OSError if impossible."""

    def self_heal(self) -> bool:
        """Heal the index if it needs it; say whether everything must be looked at again."""

    def examine(self) -> None:
        """Look for damage that nobody has met yet."""

    def mark_verified(self) -> None:
        """Let what the index holds be served: it is what the folder holds, or all there is."""


class Watcher(threading.Thread):
    """Refreshes when files change, and when an embargo ends, while it is its turn."""

    def __init__(
        self,
        content: Path,
        turn: LeaderLock,
        watched: Watchable,
        clock: Callable[[], float],
        poll: bool,
    ) -> None:
        """Take what to watch and what to call; ``poll`` is for file systems without events."""
        super().__init__(name="watcher", daemon=True)
        self._content = content
        self._turn = turn
        self._watched = watched
        self._clock = clock
        self._poll = poll
        self._stop_event = threading.Event()
        self._log_once = LogOnce(log, "keeping up with the content folder failed, trying again")
        self._blind = LogOnce(log, "no file events: the whole folder is scanned every second")

    def stop(self) -> None:
        """Stop soon; the refresh under way is finished."""
        self._stop_event.set()

    def run(self) -> None:
        """Wait for the turn, then watch; whatever goes wrong is logged and tried again."""
        while not self._stop_event.is_set():
            try:
                self._watched.reopen()
                if self._turn.try_acquire():
                    self._watch()
            except Exception as error:
                # Nothing may end this thread: disk full, folder gone, index damaged. And what was
                # served before beats an error.
                self._watched.mark_verified()
                self._log_once.report(error)
                self._stop_event.wait(PAUSE)
            self._stop_event.wait(BEAT)
        self._turn.release()

    def _watch(self) -> None:
        self._watched.self_heal()
        # To begin to watch takes as long as a look: this one is for those who wait to be served.
        self._refresh({""})
        watched = _identity(self._content)
        changes = self._changes(Path(os.path.realpath(self._content)))
        # The first beat has begun to watch, so what changes during this refresh is not missed.
        next(changes, None)
        report = self._refresh({""})
        examined, last = time.monotonic(), self._clock()
        for paths in changes:
            now = self._clock()
            is_due = (report.due is not None and report.due <= now) or now < last - 1
            last = now
            if time.monotonic() - examined > RESCAN:
                self._watched.examine()
                examined = time.monotonic()
            if self._watched.self_heal() or len(paths) > MANY or (is_due and report.held):
                paths = {""}
            if paths or is_due:
                report = self._refresh(paths)
            if _identity(self._content) != watched or not self._turn.try_acquire():
                return

    def _refresh(self, paths: Collection[str]) -> RefreshReport:
        self._watched.log_site_changes(paths)
        report = self._watched.refresh(paths)
        if self._log_once.clear():
            log.info("keeping up with the content folder again")
        return report

    def _changes(self, real: Path) -> Iterator[set[str]]:
        """Yield the paths that changed below the content folder; nothing at every beat."""
        while not self._stop_event.is_set():
            try:
                if not self._poll:
                    yield from self._events(real)
            except Exception as error:
                # No more watches to be had, most likely: the kernel's limit is for all programs.
                self._blind.report(error)
            retry = time.monotonic() + RETRY
            while (self._poll or time.monotonic() < retry) and not self._stop_event.wait(POLL):
                yield {""}

    def _events(self, real: Path) -> Iterator[set[str]]:
        while not self._stop_event.is_set():
            with closing(FolderEvents(real)) as events:
                if self._blind.clear():
                    log.info("file events work again")
                # What changed before the folders were watched.
                yield {""}
                rescan = time.monotonic() + RESCAN
                while not (events.are_lost or self._stop_event.is_set()):
                    yield events.wait(BEAT)
                    if time.monotonic() > rescan:
                        break


def _identity(content: Path) -> tuple[str, int, int]:
    """Moves when another folder takes the place of the content folder: a link, a mount, a new one.

    Raise OSError when there is none.
    """
    status = os.stat(content)
    return os.path.realpath(content), status.st_dev, status.st_ino
