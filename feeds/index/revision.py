"""The revision: a number that all processes of a machine share, and that reading hardly costs."""

import os
import weakref
from contextlib import suppress
from pathlib import Path
from time import monotonic

_SIZE = 8

#: Where each number is in the file.
_REVISION, _DOUBT, _REFRESHED, _DONE, _TOTAL = range(0, 40, 8)

#: Seconds for which `get_cached` reuses what it read.
CACHED_SECONDS = 0.005


class Revision:
    """A number that moves when visible content changes, and a flag that the index is doubted.

    The file is read, not mapped: a mapped one that somebody truncates, or for which the disk has no
    room, ends the process (SIGBUS). Reading takes half a microsecond.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, which need not be there yet."""
        self._path = path
        self._handle = self._open()
        # A process that makes many apps must not run out of descriptors: Debian allows it 1,024.
        weakref.finalize(self, os.close, self._handle)
        #: What `get_cached` returns, and until when.
        self._late = 0
        self._until = 0.0

    def get(self) -> int:
        """The revision now; 0 if no process has announced one."""
        return self._read(_REVISION)

    def get_cached(self) -> int:
        """The revision, or what it was a moment ago when another process has just moved it.

        For every request: a system call lets other threads have Python, and took a sixth of what
        a 304 costs a worker.
        """
        now = monotonic()
        if now >= self._until:
            self._late, self._until = self._read(_REVISION), now + CACHED_SECONDS
        return self._late

    @property
    def refreshed(self) -> int:
        """When the index was last brought up to date, in seconds UTC; 0 when it never was."""
        return self._read(_REFRESHED)

    def set(self, value: int, now: int) -> None:
        """Announce a revision and its time; the caller holds the lock for refreshing."""
        self._write(value, _REVISION)
        self._write(now, _REFRESHED)
        self._until = 0.0

    @property
    def is_suspect(self) -> bool:
        """Return True if a reader found the index to be inconsistent."""
        return self._read(_DOUBT) != 0

    def mark_suspect(self) -> None:
        """Ask the process that keeps the index up to date to examine it."""
        # A process that cannot write here goes on as before.
        with suppress(OSError):
            self._write(1, _DOUBT)

    def clear_suspect(self) -> None:
        """Clear the flag after the index has been examined."""
        self._write(0, _DOUBT)

    @property
    def progress(self) -> tuple[int, int]:
        """The files read and the files to read of the latest refresh that had any."""
        return self._read(_DONE), self._read(_TOTAL)

    @progress.setter
    def progress(self, progress: tuple[int, int]) -> None:
        # A full disk keeps nobody from refreshing.
        with suppress(OSError):
            self._write(progress[0], _DONE)
            self._write(progress[1], _TOTAL)

    def follow(self) -> None:
        """Use the file that is there now, as every other process does."""
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

    def _read(self, position: int) -> int:
        return int.from_bytes(os.pread(self._handle, _SIZE, position), "little")

    def _write(self, value: int, position: int) -> None:
        os.pwrite(self._handle, value.to_bytes(_SIZE, "little"), position)
