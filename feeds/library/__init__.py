"""The library: the content folder and its index. This is its front door."""

import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from pathlib import Path

from feeds.errors import SettingsError
from feeds.library.changes import made_for
from feeds.library.index import SCHEMA, Index, Revision, connect
from feeds.library.inspection import inspect
from feeds.library.lock import locked
from feeds.library.reading import PICTURES, Reader
from feeds.library.refresh import Progress, Refresher, Report
from feeds.library.site_files import read_site_files
from feeds.library.verdict import Verdict
from feeds.library.watch import Watcher

__all__ = ["PICTURES", "Library", "Reader", "Report", "Verdict", "read_site_files"]

log = logging.getLogger(__name__)


class Library:
    """The articles of one content folder, as far as they may be seen."""

    def __init__(
        self,
        reader: Reader,
        instance: Path,
        fingerprint: bytes,
        poll: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Open the index in the instance folder; it is made when it is missing or damaged."""
        try:
            instance.mkdir(parents=True, exist_ok=True)
            self.revision = Revision(instance / "revision")
        except OSError as error:
            message = f"FEEDS_INSTANCE_DIR: {instance}: {error.strerror}: name a writable folder"
            raise SettingsError(message) from None
        self.reader = reader
        self.clock = clock
        path = instance / "index.sqlite"
        self._instance = instance
        self._fingerprint = fingerprint
        self._poll = poll
        self._watcher: Watcher | None = None
        self._starting = threading.Lock()
        self._refresher = Refresher(reader, path, self.revision, fingerprint, clock)
        self.index = Index(path, self.revision)
        with locked(path.with_suffix(".lock")):
            _mend(path)

    def refresh(
        self,
        below: Collection[str] = ("",),
        progress: Progress = lambda done, total: None,
        is_confirmed: bool = False,
    ) -> Report:
        """Bring in what changed in the folder; see Refresher."""
        return self._refresher.refresh(below, progress, is_confirmed)

    def inspect(self) -> Iterator[Verdict]:
        """The verdict on every file of the folder now."""
        return inspect(self.reader, int(self.clock()))

    @property
    def is_ready(self) -> bool:
        """Whether the index is made for these settings: else it must be refreshed first."""
        return bool(self.index.meta("made-for") == made_for(self._fingerprint))

    def start(self) -> None:
        """Make the index if it is not ready, then keep it up to date; once is enough."""
        with self._starting:
            if self._watcher is not None:
                return
            if not self.is_ready:
                self.refresh()
            lock = self._instance / "watch.lock"
            watched = (self.reader.content, lock, self.refresh, self.clock, self._poll)
            self._watcher = Watcher(*watched)
            self._watcher.start()

    def stop(self) -> None:
        """Stop keeping it up to date."""
        with self._starting:
            if self._watcher is not None:
                self._watcher.stop()
                self._watcher.join()
            self._watcher = None


def _mend(path: Path) -> None:
    """Throw a damaged index away, and make an empty one where there is none.

    A damaged file was seen to give wrong answers without an error; quick_check found each of them.
    """
    try:
        with closing(connect(path)) as connection:
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok":
                connection.executescript(SCHEMA)
                return
    except sqlite3.DatabaseError:
        pass
    log.warning("the index is damaged: it is made anew from the content folder")
    for name in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        if name.exists():
            os.unlink(name)
    with closing(connect(path)) as connection:
        connection.executescript(SCHEMA)
