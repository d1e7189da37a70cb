"""The library: the content folder and its index. This is its front door."""

import logging
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import IO

from feeds.errors import IndexUnavailable, SettingsError, WrongFile
from feeds.library.announcements import Announcements, Due, HubState, Seen
from feeds.library.changes import made_for
from feeds.library.connection import check_file
from feeds.library.disk import as_on_disk
from feeds.library.index import Index, KnownFeed, Month, Row
from feeds.library.inspection import inspect, inspect_one
from feeds.library.marks import EVERYTHING, SITE
from feeds.library.mending import distrust, mend
from feeds.library.months import month_of, month_range
from feeds.library.own_images import image_names, open_image
from feeds.library.pictures import Picture, Pictures
from feeds.library.reading import READING_VERSION, Reader
from feeds.library.refresh import Progress, Refresher, Report
from feeds.library.revision import Revision
from feeds.library.site_files import read_site_files
from feeds.library.verdict import Claims, Fault, Verdict, in_words
from feeds.library.vouching import Voucher
from feeds.library.watch import Watcher
from feeds.locks import Ownership, Turn, locked

__all__ = [
    "ANSWERS",
    "EVERYTHING",
    "READING_VERSION",
    "SITE",
    "Due",
    "Fault",
    "HubState",
    "KnownFeed",
    "Library",
    "Month",
    "Picture",
    "Reader",
    "Report",
    "Row",
    "Seen",
    "Verdict",
    "as_on_disk",
    "month_of",
    "month_range",
    "read_site_files",
]

#: What other hosts said of their pictures, in the instance folder.
ANSWERS = "pictures.sqlite"

#: Seconds that a refresh under way has to be finished when the library is stopped; what is not
#: committed by then is done again the next time.
STOPPING = 10.0

#: Seconds that whoever asks first waits for the index.
PATIENCE = 2.0

#: Seconds between lines in the log of how far a long refresh is.
TELL = 5.0

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
        pages: bytes = b"",
        owner: str = "",
    ) -> None:
        """Open the index in the instance folder; it is made when it is missing or damaged.

        ``fingerprint`` names all that decides what is in it and how feeds show it, ``pages`` all
        that decides how pages and lists do. ``owner`` names the server that a worker belongs to;
        by default these settings do.
        """
        try:
            instance.mkdir(parents=True, exist_ok=True)
            self.revision = Revision(instance / "revision")
        except OSError as error:
            message = f"FEEDS_INSTANCE_DIR: {instance}: {error.strerror}: name a writable folder"
            raise SettingsError(message) from None
        self._path = instance / "index.sqlite"
        try:
            check_file(self._path)
        except WrongFile as error:
            raise SettingsError(str(error)) from None
        self.reader = reader
        self.clock = clock
        self._instance = instance
        self._fingerprint = fingerprint
        self._poll = poll
        self._watcher: Watcher | None = None
        self._has_told = False
        self._is_examined = False
        self._starting = threading.Lock()
        _libraries.add(self)
        self._lock = self._path.with_suffix(".lock")
        self._voucher = Voucher(instance)
        self.owner = owner or _owner(fingerprint, reader.content)
        self._ownership = Ownership(instance / "owner", self.owner)
        self._refresher = Refresher(
            reader,
            self._path,
            self.revision,
            fingerprint,
            pages,
            clock,
            self._examine_once,
            self.vouch,
        )
        self.index = Index(self._path, self.revision)
        self.announcements = Announcements(instance / "websub.sqlite")
        self.pictures = Pictures(self._path, instance / ANSWERS, reader.is_ours)

    def refresh(
        self,
        below: Collection[str] = ("",),
        progress: Progress = lambda done, total: None,
        is_confirmed: bool = False,
    ) -> Report:
        """Bring in what changed in the folder; see Refresher."""

        began = told_at = time.monotonic()

        def told(done: int, total: int) -> None:
            nonlocal told_at
            self.revision.progress = done, total
            progress(done, total)
            now = time.monotonic()
            if now - told_at > TELL:
                told_at, rate = now, done / (now - began)
                log.info("%d of %d files are read, %d a second", done, total, rate)

        report = self._refresher.refresh(below, told, is_confirmed)
        # The first tells it though it finds nothing new: it is the start of a server.
        if report.read or report.gone or not self._has_told:
            served = in_words(self.index.tally())
            log.info("files read: %d, gone: %d; %s", report.read, report.gone, served)
            self._has_told = True
        return report

    def inspect(self) -> Iterator[Verdict]:
        """The verdict on every file of the folder now."""
        try:
            claims = self.index.claims()
        except IndexUnavailable:
            claims = Claims()
        return inspect(self.reader, int(self.clock()), claims)

    def explain(self, path: str) -> Verdict | None:
        """Return the verdict on one file now, reading no other; None when there is none."""
        return inspect_one(self.reader, path, int(self.clock()), self.index.owner_of)

    def image_names(self) -> list[str]:
        """Return the names of all images that the site serves itself."""
        return list(image_names(self.reader.content))

    def open_image(self, name: str) -> IO[bytes] | None:
        """Open one of these images; None when there is none of that name."""
        return open_image(self.reader.content, name)

    @property
    def is_ready(self) -> bool:
        """Whether the index is made for these settings: else it must be refreshed first."""
        return self._made_for() == made_for(self._fingerprint)

    def ensure_sole_owner(self) -> None:
        """Claim the instance folder for a server with these settings, until ``stop``.

        A server calls this before it touches the index: two servers that start together on an
        empty folder find no trace of each other in it. Commands never call this. Raise
        SettingsError when a process of a server with other settings lives.
        """
        if not self._ownership.acquire():
            where = f"FEEDS_INSTANCE_DIR: {self._instance}: in use by a server with other settings"
            raise SettingsError(f"{where}: name another folder, or stop that server")

    def _made_for(self) -> object:
        try:
            return self.index.meta("made-for")
        except IndexUnavailable:
            return None

    def start(self, patience: float = PATIENCE) -> None:
        """Begin to make the index, should it not be ready, and to keep it up to date.

        Once is enough. Never fails: what cannot be done now is tried again, and meanwhile what is
        there is served. The first time it waits so many seconds: a small index is ready by then.

        Until the folder has been looked over once, the index says nothing: an article of it may
        have become a draft while no server ran.
        """
        with self._starting:
            if self._watcher is not None:
                return
            self.index.is_vouched = self._voucher.is_vouched
            turn = self._turn()
            self._watcher = Watcher(self.reader.content, turn, self, self.clock, self._poll)
            self._watcher.start()
        end = time.monotonic() + patience
        while not self.is_ready and time.monotonic() < end:
            time.sleep(0.02)

    def follow(self) -> None:
        """Use the files that all processes share as they are now, made again if they are gone.

        Raise SettingsError when they belong to a server with other settings.
        """
        self._instance.mkdir(parents=True, exist_ok=True)
        self.ensure_sole_owner()
        self.revision.follow()

    def tend(self) -> bool:
        """Heal the index if it needs it; say whether everything must be looked at again."""
        self.follow()
        is_doubted = self.revision.is_doubted
        if not is_doubted and self.index.is_announced():
            return False
        self.examine()
        if is_doubted:
            with locked(self._lock):
                distrust(self._path)
            self.revision.trust()
        return True

    def examine(self) -> None:
        """Look for damage that nobody has met yet."""
        with locked(self._lock):
            mend(self._path)
        self._is_examined = True

    def examine_first(self) -> None:
        """Examine the index for who only reads it; a refresh does so by itself.

        Not while another process refreshes it: that one has looked at it, and may take minutes.
        """
        refreshing = Turn(self._lock)
        try:
            if refreshing.take():
                self._examine_once()
        except (sqlite3.Error, OSError, WrongFile) as error:
            # A full disk, most likely. What is there may still be read.
            log.error("the index cannot be examined: %s", error)
        finally:
            refreshing.leave()

    def vouch(self) -> None:
        """Allow all processes to serve the index; no command does, and no server but its owner."""
        if self._watcher is not None and self._ownership.is_held:
            self._voucher.vouch()

    def after_fork(self) -> None:
        """Begin anew in a child: it has none of the threads of its parent."""
        self._watcher = None
        self._voucher = Voucher(self._instance)
        self._starting = threading.Lock()
        self.index.leave_to_parent()

    def _turn(self) -> Turn:
        return Turn(self._instance / "watch.lock")

    def _examine_once(self) -> None:
        """Examine the index, unless this process has, or another one keeps it up to date."""
        if self._is_examined or (self._watcher is None and self._turn().is_had()):
            return
        mend(self._path)
        self._is_examined = True

    def stop(self) -> None:
        """Stop keeping it up to date."""
        with self._starting:
            if self._watcher is not None:
                self._watcher.stop()
                self._watcher.join(STOPPING)
            self._watcher = None
            self._voucher.leave()
            self._ownership.release()


def _owner(fingerprint: bytes, content: Path) -> str:
    return blake2b(fingerprint + os.fsencode(content), digest_size=16).hexdigest()


_libraries: "weakref.WeakSet[Library]" = weakref.WeakSet()


def _after_fork() -> None:
    for library in _libraries:
        library.after_fork()


os.register_at_fork(after_in_child=_after_fork)
