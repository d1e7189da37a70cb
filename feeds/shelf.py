"""DOOR: a folder of files that are ours, among others that may not be.

Only what changed is written, each file at once by renaming; only what we wrote is ever removed.
The list of our files is kept in the folder, and a name is in it before its file is.
"""

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from feeds.errors import ExportError

#: The folder of what is about the export itself, not to be served.
OWN = ".tributary"

_LIST, _NEW = f"{OWN}/files", f"{OWN}/new"

#: Bytes of one part of a name, with room for the ending of a coding.
_LONGEST = 250
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")

_FOREIGN = "{} was not written by an export: move it away, or export to another folder"


class Shelf:
    """A folder that is made to hold certain files and none of ours besides."""

    def __init__(self, folder: Path, names: IO[str]) -> None:
        """Take the folder and the open list of our files in it; see ``opened``."""
        self._folder = folder
        self._list = names
        self._listed = set(names.read().splitlines())
        if not all(map(is_name, self._listed)):
            raise ExportError(f"{folder / _LIST} is damaged: empty the folder, then export")
        self._wanted: set[str] = set()
        #: How many files were written and removed.
        self.written = self.removed = 0

    def put(self, name: str, body: bytes, modified: int) -> int:
        """Let a file hold these bytes; return its time.

        The same bytes stay as they are. Others get a later time than those before had, whatever
        ``modified`` says: nobody may take them for the same.
        """
        path = self._claim(name)
        old = path.stat() if path.exists() else None
        if old and old.st_size == len(body) and path.read_bytes() == body:
            return int(old.st_mtime)
        when = max(modified, int(old.st_mtime) + 1) if old else modified
        new = self._folder / _NEW
        new.write_bytes(body)
        self._place(new, path, when * 10**9)
        return when

    def copy(self, name: str, source: Path) -> None:
        """Let a file hold what another one holds, and have its time."""
        path, wanted = self._claim(name), source.stat()
        if path.exists() and _looks(path.stat()) == _looks(wanted):
            return
        new = self._folder / _NEW
        shutil.copyfile(source, new)
        self._place(new, path, wanted.st_mtime_ns)

    def finish(self) -> None:
        """Remove those of our files that were not asked for, and shorten the list."""
        for name in sorted(self._listed - self._wanted, reverse=True):
            self._remove(self._folder / name)
        if self._listed != self._wanted:
            self._list.seek(0)
            self._list.truncate()
            self._list.writelines(f"{name}\n" for name in sorted(self._wanted))

    def _claim(self, name: str) -> Path:
        path = self._folder / name
        self._wanted.add(name)
        if name not in self._listed:
            if os.path.lexists(path):
                raise ExportError(_FOREIGN.format(path))
            self._list.write(f"{name}\n")
            self._list.flush()
            self._listed.add(name)
        return path

    def _place(self, new: Path, path: Path, time: int) -> None:
        os.utime(new, ns=(time, time))
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(new, path)
        self.written += 1

    def _remove(self, path: Path) -> None:
        if path.exists():
            path.unlink()
            self.removed += 1
        with suppress(OSError):
            # Up to the first folder that still holds something.
            while path.parent != self._folder:
                path = path.parent
                path.rmdir()


@contextmanager
def opened(folder: Path) -> Iterator[Shelf]:
    """The folder, made if need be, for one export at a time.

    Raise ExportError when it cannot be written.
    """
    try:
        (folder / OWN).mkdir(parents=True, exist_ok=True)
        with (folder / _LIST).open("a+", encoding="utf-8") as names:
            fcntl.flock(names, fcntl.LOCK_EX | fcntl.LOCK_NB)
            names.seek(0)
            yield Shelf(folder, names)
    except BlockingIOError:
        raise ExportError(f"another export writes to {folder}: wait for it") from None
    except OSError as error:
        raise ExportError(f"{error.filename or folder}: {error.strerror}") from error


def is_name(name: str) -> bool:
    """Whether a file below the folder can have this name."""
    parts = name.split("/")
    fits = all(part and len(part.encode("utf-8", "replace")) <= _LONGEST for part in parts)
    return fits and not {".", ".."} & set(parts) and _CONTROL.search(name) is None


def _looks(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_size
