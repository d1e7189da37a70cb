"""Opens what is below a folder: a path below it has no symbolic link in it.

Every component is opened from the one above it, without following links. A path that is checked
first and opened afterwards would lead outside when a component is replaced by a link in between.
"""

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# O_PATH, which only Linux has, opens a folder that may be entered but not read.
_THROUGH = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC

# Opening a FIFO without O_NONBLOCK waits for its writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

#: The errors of opening a path without a readable file; the last two: a socket, a device.
_MISSING = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.ENAMETOOLONG,
            errno.ENXIO, errno.ENODEV}  # fmt: skip


class LinkedFolder(NotADirectoryError):
    """A folder of a path is a symbolic link; ``filename`` is its path below the root."""

    def __init__(self, path: str) -> None:
        """Keep the path of the link."""
        super().__init__(errno.ENOTDIR, "a symbolic link", path)


@dataclass(frozen=True, slots=True)
class Entry:
    """A name in an open folder, of a file of any kind that may or may not exist."""

    _above: int
    name: str

    def status(self) -> os.stat_result:
        """Return the status of the file; that of a link is its own."""
        return os.stat(self.name, dir_fd=self._above, follow_symlinks=False)

    def open(self) -> int:
        """Open the file to read it; ELOOP if it is a link."""
        return os.open(self.name, _FILE, dir_fd=self._above)

    def open_folder(self, path: str) -> int:
        """Open the folder of this name to list it; raise LinkedFolder(path) if it is a link."""
        return _open_inner(self.name, _FOLDER, self._above, path)


@contextmanager
def entry(root: Path, path: str) -> Iterator[Entry]:
    """Open the folder that a path below the root lies in, for all that is done with its file.

    This and the functions below raise LinkedFolder when a folder of the path is a link, and
    FileNotFoundError for a path that leads upwards. The root itself may be reached by links.
    """
    *folders, name = _components(path)
    above = os.open(root, _THROUGH)
    try:
        for depth, folder in enumerate(folders, 1):
            inner = _open_inner(folder, _THROUGH, above, "/".join(folders[:depth]))
            os.close(above)
            above = inner
        yield Entry(above, name)
    finally:
        os.close(above)


def status(root: Path, path: str) -> os.stat_result:
    """Return the status of a file or folder below the root; that of a link is its own."""
    if path == "":
        return os.stat(root)
    with entry(root, path) as found:
        return found.status()


def open_plain(root: Path, path: str) -> IO[bytes] | None:
    """Open a plain file below the root to read it; return None if there is none.

    Raise OSError if there may be one, as when the process has no descriptor left.
    """
    try:
        with entry(root, path) as found:
            handle = found.open()
    except OSError as error:
        if error.errno in _MISSING:
            return None
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        return None
    return os.fdopen(handle, "rb")


def open_folder(root: Path, path: str) -> int:
    """Open a folder below the root, or the root, to be listed."""
    if path == "":
        return os.open(root, _FOLDER)
    with entry(root, path) as found:
        return found.open_folder(path)


def _open_inner(name: str, flags: int, above: int, path: str) -> int:
    try:
        return os.open(name, flags | os.O_NOFOLLOW, dir_fd=above)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(name, dir_fd=above, follow_symlinks=False).st_mode):
            raise LinkedFolder(path) from None
        raise


def _components(path: str) -> list[str]:
    """Split a path; raise for one with an empty component, ``.``, ``..`` or a NUL."""
    components = path.split("/")
    if {"", ".", ".."} & set(components) or "\0" in path or not _is_encodable(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
    return components


def _is_encodable(path: str) -> bool:
    """Return True if a text can be a path; one from outside may hold a lone surrogate."""
    try:
        os.fsencode(path)
    except UnicodeEncodeError:
        return False
    return True
