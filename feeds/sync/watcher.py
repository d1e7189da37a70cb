"""Keeps the index up to date while the server runs: when files change, and when times come.

Every process of a server has a Watcher. Only the leader works; when it dies, the kernel releases
its lock, and another process takes over.
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

#: Seconds between checks of the clock and of the leader lock.
TICK = 0.25

#: Seconds between scans of the whole folder where the file system reports no changes.
POLL = 1

#: Seconds between attempts to get events after the kernel refused them.
RETRY = 10

#: Seconds between scans of the whole folder with new watches: a mount, and a write by another name
#: of a file, cause no event.
RESCAN = 300

#: For more changed paths than this, a scan of the whole folder is faster.
MANY = 2000

#: Seconds between attempts while nothing works.
PAUSE = 1


class Watchable(Protocol):
    """The interface that a Watcher drives."""

    def refresh(self, below: Collection[str] = ("",)) -> RefreshReport:
        """Bring in what changed below some folders or in some files."""

    def log_site_changes(self, paths: Collection[str]) -> None:
        """Log which of these paths are files of the site, which take effect with a restart."""

    def reopen(self) -> None:
        """Open the files that all processes share if they were replaced; may raise OSError."""

    def self_heal(self) -> bool:
        """Heal the index if it needs it; return True if the whole folder must be compared again."""

    def examine(self) -> None:
        """Examine the index for damage that no reader has met yet."""

    def mark_verified(self) -> None:
        """Allow all processes to serve the index: nothing better is available."""


class Watcher(threading.Thread):
    """Refreshes when files change and when an embargo ends, while this process is the leader."""

    def __init__(
        self,
        content: Path,
        leader_lock: LeaderLock,
        watched: Watchable,
        clock: Callable[[], float],
        poll: bool,
    ) -> None:
        """Take the folder and the index to update; ``poll`` is for file systems without events."""
        super().__init__(name="watcher", daemon=True)
        self._content = content
        self._leader_lock = leader_lock
        self._watched = watched
        self._clock = clock
        self._poll = poll
        self._stop_event = threading.Event()
        self._log_once = LogOnce(log, "keeping up with the content folder failed, trying again")
        self._blind = LogOnce(log, "no file events: the whole folder is scanned every second")

    def stop(self) -> None:
        """Stop soon, after a refresh that is running."""
        self._stop_event.set()

    def run(self) -> None:
        """Wait for the leader lock, then watch; log any error, and try again."""
        while not self._stop_event.is_set():
            try:
                self._watched.reopen()
                if self._leader_lock.try_acquire():
                    self._watch()
            except Exception as error:
                # No error may end this thread: disk full, folder gone, index damaged. And what was
                # served before is better than an error.
                self._watched.mark_verified()
                self._log_once.report(error)
                self._stop_event.wait(PAUSE)
            self._stop_event.wait(TICK)
        self._leader_lock.release()

    def _watch(self) -> None:
        self._watched.self_heal()
        # Creating the watches takes as long as a scan: this refresh lets clients be served before.
        self._refresh({""})
        watched = _identity(self._content)
        changes = self._changes(Path(os.path.realpath(self._content)))
        # The watches exist after the first tick, so this refresh misses no change.
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
            if _identity(self._content) != watched or not self._leader_lock.try_acquire():
                return

    def _refresh(self, paths: Collection[str]) -> RefreshReport:
        self._watched.log_site_changes(paths)
        report = self._watched.refresh(paths)
        if self._log_once.clear():
            log.info("keeping up with the content folder again")
        return report

    def _changes(self, real: Path) -> Iterator[set[str]]:
        """Yield the paths that changed below the content folder; an empty set at a tick without."""
        while not self._stop_event.is_set():
            try:
                if not self._poll:
                    yield from self._events(real)
            except Exception as error:
                # The kernel's limit of watches is reached, most likely: all programs share it.
                self._blind.report(error)
            retry = time.monotonic() + RETRY
            while (self._poll or time.monotonic() < retry) and not self._stop_event.wait(POLL):
                yield {""}

    def _events(self, real: Path) -> Iterator[set[str]]:
        while not self._stop_event.is_set():
            with closing(FolderEvents(real)) as events:
                if self._blind.clear():
                    log.info("file events work again")
                # For changes before the folders were watched.
                yield {""}
                rescan = time.monotonic() + RESCAN
                while not (events.are_lost or self._stop_event.is_set()):
                    yield events.wait(TICK)
                    if time.monotonic() > rescan:
                        break


def _identity(content: Path) -> tuple[str, int, int]:
    """Return what differs after another folder took the content folder's place.

    A link that leads elsewhere, a mount and a new folder do. Raise OSError when there is none.
    """
    status = os.stat(content)
    return os.path.realpath(content), status.st_dev, status.st_ino
