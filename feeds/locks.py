"""Locks between processes. The kernel drops them with their holder, so none is ever left over."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import cast


@contextmanager
def locked(path: Path, shared: bool = False) -> Iterator[None]:
    """Hold the lock of a file, waiting for it; ``shared`` ones exclude only those that are not."""
    while True:
        handle = _open(path)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            # A file that was removed meanwhile locks nobody else out.
            if _is_at(handle, path):
                yield
                return
        finally:
            _close(handle)


class LeaderLock:
    """A lock that one process holds to do a job for all; others can take it over."""

    def __init__(self, path: Path) -> None:
        """Take the file whose lock it is."""
        self._path = path
        self._handle: int | None = None

    def try_acquire(self) -> bool:
        """Return True if this process holds the lock, now or since an earlier call."""
        if self._handle is not None and not _is_at(self._handle, self._path):
            self.release()
        if self._handle is None:
            self._handle = self._tried()
        return self._handle is not None

    def is_held(self) -> bool:
        """Return True if any process holds the lock; the probe blocks others for microseconds."""
        if self._handle is not None:
            return True
        handle = _open(self._path)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            _close(handle)
        return False

    def release(self) -> None:
        """Let another have it."""
        if self._handle is not None:
            _close(self._handle)
        self._handle = None

    def _tried(self) -> int | None:
        handle = _open(self._path)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _close(handle)
            return None
        return handle


class Claim:
    """A claim that processes share if they name the same owner, and that excludes all others.

    It lasts as long as any of them lives, children by fork included.
    """

    def __init__(self, path: Path, owner: str) -> None:
        """Take the file of the claim, which need not be there, and the name of the owner."""
        self._path = path
        self._owner = owner.encode()
        self._handle: int | None = None

    @property
    def is_held(self) -> bool:
        """Return True if this process holds the claim, in the file that has the path now."""
        return self._handle is not None and _is_at(self._handle, self._path)

    def is_claimed(self) -> bool:
        """Return True if any living process has claimed, for whichever owner."""
        return self.is_held or self._claimed_for() is not None

    def other_owner(self) -> str | None:
        """Return the name of a living owner that excludes this one; None if there is none."""
        name = None if self.is_held else self._claimed_for()
        if name in (None, self._owner, b""):
            return None
        return name.decode("utf-8", "replace")

    def _claimed_for(self) -> bytes | None:
        """Return the owner that living processes have claimed for, if any."""
        if not self._path.exists():
            return None
        # A probe holds the file for a moment; claimants wait for it here.
        with locked(self._path.with_suffix(".lock")):
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return os.pread(handle, 1000, 0)
            finally:
                os.close(handle)
        return None

    def acquire(self) -> bool:
        """Return True if the claim is held: no living process has claimed for another owner."""
        if not self._is_named():
            # Claimants take turns: outside this lock the file is only ever held shared.
            with locked(self._path.with_suffix(".lock")):
                self._claim()
        return self._handle is not None

    def _claim(self) -> None:
        if not self.is_held:
            self.release()
            # Not in `_handles`: a child by fork is a process of the same owner.
            self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            with suppress(BlockingIOError):
                fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.ftruncate(self._handle, 0)
        handle = cast(int, self._handle)
        # A full disk leaves the file empty: owners cannot be told apart until there is room, and
        # the first that finds some stays.
        if os.pread(handle, 1000, 0) not in (self._owner, b""):
            self.release()
            return
        with suppress(OSError):
            os.pwrite(handle, self._owner, 0)
        fcntl.flock(handle, fcntl.LOCK_SH)

    def release(self) -> None:
        """Give up the share of this process in the claim."""
        if self._handle is not None:
            os.close(self._handle)
        self._handle = None

    def _is_named(self) -> bool:
        """Return True if this process holds the claim and the file names its owner."""
        if self._handle is None or not self.is_held:
            return False
        return os.pread(self._handle, 1000, 0) == self._owner


#: The handles of locks that this process holds or waits for.
_handles: set[int] = set()


def _open(path: Path) -> int:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    _handles.add(handle)
    return handle


def _close(handle: int) -> None:
    _handles.discard(handle)
    os.close(handle)


def _drop_all() -> None:
    """Close the locks of the parent in a child, which would keep them after their release."""
    while _handles:
        os.close(_handles.pop())


# Closing them here frees nothing in the parent, which holds the same open files.
os.register_at_fork(after_in_child=_drop_all)


def _is_at(handle: int, path: Path) -> bool:
    """Return True if an open file is the one that has the path now."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False
