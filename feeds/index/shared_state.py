"""The state of the index: one enumeration, and the numbers that all processes share about it."""

import os
import sqlite3
import weakref
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from time import monotonic

from feeds.index.modification_times import date_changes, mark_everything, mark_lists
from feeds.index.sync_state import meta, put_meta
from feeds.sqlite import transaction

#: The bytes of one number, and where each is in the file.
_SIZE = 8
_REVISION, _SUSPECT, _REFRESHED, _READ, _TO_READ, _VERIFIED = range(0, 6 * _SIZE, _SIZE)

#: Seconds for which `cached_revision` reuses what it read.
CACHED_SECONDS = 0.005


class IndexState(StrEnum):
    """The state of the index for the settings of a process; docs/architecture.md has a diagram."""

    #: No index can be read.
    MISSING = "missing"
    #: It is not compared with the folder yet since the server started: nothing of it is served.
    BUILDING = "building"
    #: It is served, but was made for other settings: its successor is being built.
    VERIFIED = "verified"
    #: It holds what the folder holds.
    SERVING = "serving"
    #: A reader met corruption: what is in memory is served until the leader has examined it.
    SUSPECT = "suspect"

    @property
    def is_readable(self) -> bool:
        """Return True if documents can be made from the index."""
        return self in (IndexState.VERIFIED, IndexState.SERVING)

    @property
    def is_ready(self) -> bool:
        """Return True if requests can be sent here."""
        return self in (IndexState.SERVING, IndexState.SUSPECT)


class SharedState:
    """The numbers about the index that all processes of a machine share.

    The file is read, not mapped: a mapped one that is truncated, or for which the disk has no room,
    ends the process (SIGBUS). Reading takes half a microsecond.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, which need not be there yet."""
        self._path = path
        self._handle = self._open()
        # A process that makes many apps must not run out of descriptors: Debian allows it 1,024.
        weakref.finalize(self, os.close, self._handle)
        #: The value of `cached_revision`, and the time until which it holds.
        self._cached = 0
        self._until = 0.0

    def revision(self) -> int:
        """Return the number that moves when visible content changes; 0 before the first refresh."""
        return self._get(_REVISION)

    def cached_revision(self) -> int:
        """Return the revision, or what it was a moment ago if another process has just moved it.

        Every request calls it: a system call would let other threads have Python, and took a sixth
        of the time of a 304.
        """
        now = monotonic()
        if now >= self._until:
            self._cached, self._until = self._get(_REVISION), now + CACHED_SECONDS
        return self._cached

    @property
    def refreshed(self) -> int:
        """The time at which the index was last brought up to date, in seconds UTC; 0 if never."""
        return self._get(_REFRESHED)

    def publish(self, revision: int, now: int) -> None:
        """Publish a revision and its time; the caller holds the lock for writing the index."""
        self._set(_REVISION, revision)
        self._set(_REFRESHED, now)
        self._until = 0.0

    @property
    def is_verified(self) -> bool:
        """Return True if the index was compared with the folder since the server started."""
        return self._get(_VERIFIED) != 0

    def set_verified(self, is_verified: bool) -> None:
        """Allow all processes of the server to serve the index, or none from now on."""
        # With a full disk it stays as it was: what was served before beats an error.
        with suppress(OSError):
            self._set(_VERIFIED, int(is_verified))

    @property
    def is_suspect(self) -> bool:
        """Return True if a reader found the index to be inconsistent."""
        return self._get(_SUSPECT) != 0

    def mark_suspect(self) -> None:
        """Ask the leader to examine the index."""
        # A process that cannot write here goes on as before.
        with suppress(OSError):
            self._set(_SUSPECT, 1)

    def clear_suspect(self) -> None:
        """Clear the mark after the index has been examined."""
        self._set(_SUSPECT, 0)

    @property
    def progress(self) -> tuple[int, int]:
        """The files read and the files to read of the latest refresh that had any."""
        return self._get(_READ), self._get(_TO_READ)

    @progress.setter
    def progress(self, progress: tuple[int, int]) -> None:
        # A full disk stops no refresh.
        with suppress(OSError):
            self._set(_READ, progress[0])
            self._set(_TO_READ, progress[1])

    def reopen(self) -> None:
        """Use the file that has the path now, as every other process does."""
        ours = os.fstat(self._handle)
        with suppress(FileNotFoundError):
            if os.path.samestat(os.stat(self._path), ours):
                return
        handle = self._open()
        # In one step, since other threads read meanwhile.
        os.dup2(handle, self._handle, inheritable=False)
        os.close(handle)
        self._until = 0.0

    def _open(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def _get(self, position: int) -> int:
        return int.from_bytes(os.pread(self._handle, _SIZE, position), "little")

    def _set(self, position: int, value: int) -> None:
        os.pwrite(self._handle, value.to_bytes(_SIZE, "little"), position)


def move_revision(connection: sqlite3.Connection, shared: SharedState, least: int = 0) -> None:
    """Store the next revision, which is higher than any known one and than ``least``."""
    last = max(int(meta(connection, "revision") or 0), shared.revision(), least)
    put_meta(connection, "revision", last + 1)


def publish_revision(
    connection: sqlite3.Connection, shared: SharedState, moment: int, refreshed: int
) -> None:
    """Publish the revision of an index, whose changes can be seen from ``moment`` on."""
    # A commit may take minutes, and no reader sees it before. A clock that was set back makes no
    # change older than what was served before it. On a full disk the dates follow later.
    with suppress(sqlite3.OperationalError):
        date_changes(connection, max(moment, shared.refreshed))
    shared.publish(int(meta(connection, "revision") or 0), refreshed)


def mark_looks(
    connection: sqlite3.Connection, shared: SharedState, now: int, looks: str, pages: str
) -> None:
    """Mark all documents that other settings, or another version of the code, change from now on.

    ``looks`` names all that decides how documents show what is in the index, ``pages`` all that
    decides how pages and lists do.
    """
    is_everything = meta(connection, "looks") != looks
    if not is_everything and meta(connection, "pages") == pages:
        return
    with transaction(connection):
        if is_everything:
            mark_everything(connection, now, shared.refreshed)
        else:
            mark_lists(connection, now)
        put_meta(connection, "looks", looks)
        put_meta(connection, "pages", pages)
        move_revision(connection, shared)
