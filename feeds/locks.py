"""Locks between processes. The kernel drops them with their holder, so none is ever left over."""

import fcntl
import os
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

_FILE = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


@contextmanager
def locked(path: Path, shared: bool = False) -> Iterator[None]:
    """Hold the lock of a file, waiting for it; ``shared`` ones exclude only those that are not."""
    with _locked(path, _FILE, fcntl.LOCK_SH if shared else fcntl.LOCK_EX):
        yield


@contextmanager
def _locked(path: Path, flags: int, operation: int) -> Iterator[None]:
    while True:
        handle = _open(path, flags)
        try:
            fcntl.flock(handle, operation)
            # A file that was removed meanwhile locks no other process out.
            if _is_at(handle, path):
                yield
                return
        finally:
            _close(handle)


class LeaderLock:
    """A lock that one process holds to do a job for all; others acquire it when it dies."""

    def __init__(self, path: Path) -> None:
        """Take the file whose lock it is."""
        self._path = path
        self._handle: int | None = None
        _leader_locks.add(self)

    def try_acquire(self) -> bool:
        """Return True if this process holds the lock, now or since an earlier call."""
        if self._handle is not None and not _is_at(self._handle, self._path):
            self.release()
        if self._handle is None:
            handle = _open(self._path)
            if _try(handle, fcntl.LOCK_EX):
                self._handle = handle
            else:
                _close(handle)
        return self._handle is not None

    def is_held_elsewhere(self) -> bool:
        """Return True if another process holds the lock; the probe blocks it for microseconds."""
        if self._handle is not None:
            return False
        handle = _open(self._path)
        try:
            return not _try(handle, fcntl.LOCK_SH)
        finally:
            _close(handle)

    def forget(self) -> None:
        """Reset in a child after a fork: the lock is the parent's."""
        self._handle = None

    def release(self) -> None:
        """Let another process acquire the lock."""
        if self._handle is not None:
            _close(self._handle)
        self._handle = None


class Claim:
    """A lock that processes share if they name the same owner, and that excludes all others.

    It lasts as long as any of them lives, children by fork included. Processes claim and probe one
    at a time, under the lock of the folder: outside it, the lock of the file is only held shared.
    """

    def __init__(self, path: Path, owner: str, on_first: Callable[[], None] = lambda: None) -> None:
        """Take the file of the claim, which need not be there, and the name of the owner.

        ``on_first`` is called when this process claims what no other process has claimed, before
        another can share the claim.
        """
        self._path = path
        self._owner = owner.encode()
        self._on_first = on_first
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

    def acquire(self) -> bool:
        """Return True if the claim is held: no living process has claimed for another owner."""
        if self._handle is None or not (self.is_held and _name(self._handle) == self._owner):
            with self._alone():
                self._handle = self._claimed()
        return self._handle is not None

    def release(self) -> None:
        """Give up the share of this process in the claim."""
        if self._handle is not None:
            os.close(self._handle)
        self._handle = None

    def _claimed(self) -> int | None:
        """Return a file that holds the claim; None if a living process has another owner."""
        handle = self._handle if self._handle is not None and self.is_held else self._reopened()
        # A full disk leaves the file empty: owners cannot be distinguished until there is room, and
        # the first that finds some stays.
        if _name(handle) not in (self._owner, b""):
            os.close(handle)
            return None
        with suppress(OSError):
            os.pwrite(handle, self._owner, 0)
        fcntl.flock(handle, fcntl.LOCK_SH)
        return handle

    def _reopened(self) -> int:
        self.release()
        # It stays open after a fork: the child is a process of the same owner.
        handle = os.open(self._path, _FILE, 0o644)
        try:
            if _try(handle, fcntl.LOCK_EX):
                os.ftruncate(handle, 0)
                self._on_first()
        except BaseException:
            os.close(handle)
            raise
        return handle

    def _claimed_for(self) -> bytes | None:
        """Return the owner that living processes have claimed for, if any."""
        if not self._path.exists():
            return None
        with self._alone():
            handle = _open(self._path)
            try:
                return None if _try(handle, fcntl.LOCK_EX) else _name(handle)
            finally:
                _close(handle)

    def _alone(self) -> AbstractContextManager[None]:
        return _locked(self._path.parent, _FOLDER, fcntl.LOCK_EX)


def _name(handle: int) -> bytes:
    return os.pread(handle, 1000, 0)


#: The handles of locks that this process holds or waits for, and its leader locks.
_handles: set[int] = set()
_leader_locks: "weakref.WeakSet[LeaderLock]" = weakref.WeakSet()


def _open(path: Path, flags: int = _FILE) -> int:
    handle = os.open(path, flags, 0o644)
    _handles.add(handle)
    return handle


def _try(handle: int, operation: int) -> bool:
    """Return True if a lock is free, and held from now on."""
    try:
        fcntl.flock(handle, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _close(handle: int) -> None:
    _handles.discard(handle)
    os.close(handle)


def _drop_all() -> None:
    """Close the locks of the parent in a child, which would keep them after their release."""
    while _handles:
        os.close(_handles.pop())
    for lock in _leader_locks:
        lock.forget()


# Closing them here frees nothing in the parent, which holds the same open files.
os.register_at_fork(after_in_child=_drop_all)


def _is_at(handle: int, path: Path) -> bool:
    """Return True if an open file is the one that has the path now."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(handle))
    except FileNotFoundError:
        return False
