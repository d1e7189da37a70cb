"""Keeps the index equal to the content folder: while a server runs, and for commands."""

import logging
import math
import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from feeds.articles import storable
from feeds.errors import IndexUnavailable, SettingsError, WrongFile
from feeds.image_sizes import IMAGE_SIZES, ImageSizes
from feeds.index import (
    FileOutcome,
    IdClaims,
    Index,
    IndexState,
    SharedState,
    check_file,
    in_words,
    made_for,
    upgrade,
)
from feeds.locks import LeaderLock
from feeds.sync.image_files import image_names, open_image
from feeds.sync.index_state_transitions import IndexLifecycle
from feeds.sync.ingest import Ingester
from feeds.sync.instance_owner import Ownership, named_by_path, owner_name
from feeds.sync.lint import inspect, inspect_one, nearest
from feeds.sync.public_files import open_public, public_faults, public_names
from feeds.sync.refresh import Progress, Refresher, RefreshReport
from feeds.sync.site_file_changes import SiteFiles
from feeds.sync.watcher import Watcher

#: Seconds in which a refresh that is running can finish after ``stop``; without a commit by then,
#: the next start repeats it.
STOPPING = 10.0

#: Seconds for which requests wait for an index that cannot be read, and seconds between two waits.
PATIENCE, PAUSE = 2.0, 60.0

#: Seconds between two log lines on the progress of a long refresh.
PROGRESS_INTERVAL = 5.0

log = logging.getLogger(__name__)


class ContentSync:
    """Keeps the index of one content folder up to date."""

    _watcher: Watcher | None = None
    _has_logged = False
    _is_upgraded = False
    #: Until when requests wait for an index that cannot be read.
    _waiting_ends = -math.inf

    def __init__(
        self,
        reader: Ingester,
        instance: Path,
        fingerprint: bytes,
        poll: bool = False,
        clock: Callable[[], float] = time.time,
        pages: bytes = b"",
        owner: str = "",
    ) -> None:
        """Take the instance folder, in which a refresh creates a missing index.

        ``fingerprint`` names all that decides what is in it and how feeds show it, ``pages`` all
        that decides how pages and lists do. ``owner`` names the server that a worker belongs to;
        the default is made of these settings.
        """
        self.shared = _shared_state(instance)
        self._path = instance / "index.sqlite"
        self._instance = instance
        _ensure_ours(self._path)
        self.reader = reader
        self._site_files = SiteFiles(reader.content)
        self.clock = clock
        self._fingerprint = fingerprint
        self._poll = poll
        self._starting = threading.Lock()
        _syncs.add(self)
        self.index = Index(self._path, self.shared)
        leader_lock = LeaderLock(instance / "watch.lock")
        folder = storable(str(reader.content))
        self.lifecycle = IndexLifecycle(self.index, leader_lock, made_for(fingerprint), folder)
        name = owner or owner_name(reader.content, reader.site_url, fingerprint)
        self.ownership = Ownership(instance, name, leader_lock, self.lifecycle.clear_verified)
        self._refresher = Refresher(
            reader,
            reader.content,
            self._path,
            self.shared,
            fingerprint,
            pages,
            clock,
            self.ownership.ensure_no_other,
            self.lifecycle.examine_once,
            self.mark_verified,
        )
        self.pictures = ImageSizes(self._path, instance / IMAGE_SIZES, reader.is_ours)

    def refresh(
        self,
        below: Collection[str] = ("",),
        progress: Progress = lambda done, total: None,
        is_confirmed: bool = False,
    ) -> RefreshReport:
        """Bring in what changed in the folder; see Refresher."""

        began = logged_at = time.monotonic()

        def report_progress(done: int, total: int) -> None:
            """Share and log the progress, the latter once in a while."""
            nonlocal logged_at
            self.shared.progress = done, total
            progress(done, total)
            now = time.monotonic()
            if now - logged_at > PROGRESS_INTERVAL:
                logged_at, rate = now, done / (now - began)
                log.info("%d of %d files are read, %d a second", done, total, rate)

        report = self._refresher.refresh(below, report_progress, is_confirmed)
        # The first refresh is logged even if it finds nothing new: it marks the start of a server.
        if report.read or report.gone or not self._has_logged:
            served = in_words(self.index.tally())
            log.info("files read: %d, gone: %d; %s", report.read, report.gone, served)
            self._has_logged = True
        return report

    def log_site_changes(self, paths: Collection[str]) -> None:
        """Log that files of the site changed, which takes effect with a restart."""
        self._site_files.log_changes(paths)

    @property
    def held(self) -> int:
        """The number of missing files whose articles stay served until the loss is certain.

        Raise IndexUnavailable when the index cannot be read.
        """
        return self.index.facts().held

    def inspect(self) -> Iterator[FileOutcome]:
        """Yield the outcome of every file in the folder now."""
        try:
            claims = self.index.id_claims()
        except IndexUnavailable:
            claims = IdClaims()
        return inspect(self.reader, int(self.clock()), claims)

    def explain(self, path: str) -> FileOutcome | None:
        """Return the outcome on one file now, reading no other; None when there is none."""
        return inspect_one(self.reader, path, int(self.clock()), self.index.owner_of)

    def nearest(self, path: str) -> str | None:
        """Return the path of the article's file that a path without a file probably means."""
        return nearest(self.reader, path)

    def public_names(self) -> list[str]:
        """Return the names of all files that are served as they are."""
        return list(public_names(self.reader.content))

    def public_faults(self) -> list[tuple[str, str]]:
        """Return each file that is meant to be served as it is and is not, with the reason."""
        return list(public_faults(self.reader.content))

    def open_public(self, name: str) -> IO[bytes] | None:
        """Open a file that is served as it is, or return None."""
        return open_public(self.reader.content, name)

    def image_names(self) -> list[str]:
        """Return the names of all images that the site serves itself."""
        return list(image_names(self.reader.content))

    def open_image(self, name: str) -> IO[bytes] | None:
        """Open one of these images; None when there is none of that name."""
        return open_image(self.reader.content, name)

    @property
    def state(self) -> IndexState:
        """The state of the index."""
        return self.lifecycle.state

    def ensure_sole_owner(self) -> None:
        """Claim the instance folder and let this version read its index; see Ownership."""
        self.ownership.acquire()
        self._upgrade_once()

    def _upgrade_once(self) -> None:
        """Bring an index of an older layout to this one, so that it can be read until the rebuild.

        A worker may be newer than the leader.
        """
        if not self._is_upgraded:
            # The leader handles a corrupt or busy one.
            with suppress(sqlite3.Error, OSError, WrongFile):
                upgrade(self._path)
                self._is_upgraded = True

    def start(self, patience: float = PATIENCE) -> None:
        """Begin to keep the index up to date, and wait for it: a small one is ready by then.

        Later calls do nothing. It never raises: the watcher retries, and the index is served as it
        is meanwhile, but not before it is compared with the folder once: an article may have become
        a draft while no server ran.
        """
        with self._starting:
            if self._watcher is not None:
                return
            # Before the first response. On a full disk the last documents are better than an error.
            with suppress(SettingsError, OSError):
                self.ensure_sole_owner()
            self.index.awaits_verification = True
            lock = self.lifecycle.leader_lock
            self._watcher = Watcher(self.reader.content, lock, self, self.clock, self._poll)
            self._watcher.start()
        self._wait(lambda: self.state.is_ready, patience)

    def wait_until_readable(self) -> bool:
        """Wait for the leader to rebuild the index; return True once it can be read.

        Requests wait for PATIENCE, and then not again for PAUSE: each occupies a thread meanwhile.
        """
        # The index of another server can be read, but not served.
        if self._watcher is None or self.ownership.refusal:
            return False
        return self._wait(lambda: self.state.is_readable, PATIENCE)

    def _wait(self, condition: Callable[[], bool], patience: float) -> bool:
        now = time.monotonic()
        if now > self._waiting_ends + PAUSE:
            self._waiting_ends = now + patience
        end = self._waiting_ends
        while not condition():
            if self.ownership.refusal or time.monotonic() >= end:
                return False
            time.sleep(0.02)
        self._waiting_ends = -math.inf
        return True

    def reopen(self) -> None:
        """Open the files that all processes share if they were replaced; create missing ones.

        Raise SettingsError when they belong to a server with other settings.
        """
        self._instance.mkdir(parents=True, exist_ok=True)
        self.ensure_sole_owner()
        self.shared.reopen()

    def self_heal(self) -> bool:
        """Heal the index if it needs it; return True if the whole folder must be compared again."""
        self.reopen()
        return self.lifecycle.heal()

    def examine(self) -> None:
        """Examine the index for damage that no reader has met yet."""
        self.lifecycle.examine()

    def mark_verified(self) -> None:
        """Allow all processes of this server to serve the index; commands own no folder."""
        if self.ownership.is_held:
            self.lifecycle.mark_verified()

    def after_fork(self) -> None:
        """Reset a child after a fork: it has none of its parent's threads."""
        self._watcher = None
        self._starting = threading.Lock()
        self.index.leave_to_parent()

    def stop(self) -> None:
        """Stop keeping the index up to date, and give up the folder."""
        with self._starting:
            if self._watcher is not None:
                self._watcher.stop()
                self._watcher.join(STOPPING)
            self._watcher = None
            self.ownership.release()


def _shared_state(instance: Path) -> SharedState:
    """Return the numbers that processes share, in an instance folder that need not be there."""
    try:
        instance.mkdir(parents=True, exist_ok=True)
        return SharedState(instance / "index.state")
    except OSError as error:
        message = f"FEEDS_INSTANCE_DIR: {instance}: {error.strerror}: name a writable folder"
        raise SettingsError(message) from None


def _ensure_ours(index: Path) -> None:
    """Raise SettingsError if the file of the index belongs to another program or version."""
    try:
        with named_by_path(index.parent):
            check_file(index)
    except WrongFile as error:
        raise SettingsError(str(error)) from None


_syncs: "weakref.WeakSet[ContentSync]" = weakref.WeakSet()


def _after_fork() -> None:
    for sync in _syncs:
        sync.after_fork()


os.register_at_fork(after_in_child=_after_fork)
