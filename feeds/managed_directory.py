"""DOOR: a folder of which an export owns some files, and other programs own the rest.

An export writes only files that changed, each at once by renaming, and removes only files that an
export wrote. A list in the folder names them; a name is in the list before its file is written.
"""

import os
import re
import shutil
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO
from unicodedata import normalize

from feeds.errors import ExportError
from feeds.locks import LeaderLock

#: The folder of the files about the export itself, which are not served.
OWN = ".tributary"

_LIST, _LOCK, _NEW = _KEPT = f"{OWN}/files", f"{OWN}/lock", f"{OWN}/new"

#: Bytes of one part of a name, with room for the ending of a coding.
_LONGEST = 250
_CONTROL = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")

_FOREIGN = "{} was not written by an export: move it away, or export to another folder"
_OCCUPIED = "{} holds files that no export wrote: move them away, or export to another folder"
_LINK = "{} is a symbolic link, which an export does not follow: remove it, or export elsewhere"
_IN_USE = "{} is not empty, and no export wrote it: name a new or an empty folder"


class ManagedDirectory:
    """A folder that is brought to hold certain files, and no other files of an export."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, locked; see ``opened``."""
        self._folder = folder
        # On a file system without letter case, two names can be one file.
        self._is_folding = (folder / OWN.upper()).exists()
        #: The names of the export's files, by the key that all spellings of one file share.
        self._listed = {self._key(name): name for name in self._read_list()}
        self._wanted: dict[str, str] = {}
        #: The folders of the files that were put.
        self._parents: set[str] = set()
        #: The numbers of files that were written and removed.
        self.written = self.removed = 0

    def refuse_obstacles(self, names: Iterable[str]) -> None:
        """Raise ExportError if files that no export wrote block these names; write nothing.

        The names are not iterated when there are no such files.
        """
        others = {self._key(name): self._folder / name for name in self._others()}
        if not others:
            return
        folders = {parent: path for key, path in others.items() for parent in _parents(key)}
        for key in map(self._key, filter(is_name, names)):
            for above in (*_parents(key), key):
                if above in others:
                    raise ExportError(_refusal(others[above]))
            if key in folders:
                raise ExportError(_OCCUPIED.format(self._folder / key))

    def _others(self) -> Iterator[str]:
        """Yield the names of files and links in the folder that no export wrote."""
        waiting = [""]
        while waiting:
            above = waiting.pop()
            with os.scandir(self._folder / above) as entries:
                for entry in sorted(entries, key=lambda entry: entry.name):
                    name = f"{above}{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{name}/")
                    elif self._key(name) not in self._listed and name not in _KEPT:
                        yield name

    def has_room(self, name: str) -> bool:
        """Return True if a file can have this name, given the names that were put before."""
        if not is_name(name):
            return False
        key = self._key(name)
        is_other = self._wanted.get(key, name) != name
        is_inside = any(parent in self._wanted for parent in _parents(key))
        return not (is_other or is_inside or key in self._parents)

    def put(self, name: str, body: bytes, modified: int) -> int:
        """Write these bytes to a file; return its time.

        A file that holds them already stays as it is. Other bytes get a later time than the file
        had, even if ``modified`` is earlier: clients compare times.
        """
        path = self._claim(name)
        old = _plain_file(path)
        if old and old.st_size == len(body) and path.read_bytes() == body:
            return int(old.st_mtime)
        when = max(modified, int(old.st_mtime) + 1) if old else modified
        new = self._folder / _NEW
        new.write_bytes(body)
        self._place(new, path, when * 10**9)
        return when

    def copy(self, name: str, source: IO[bytes]) -> None:
        """Copy the content and the time of another file."""
        path, wanted = self._claim(name), os.fstat(source.fileno())
        old = _plain_file(path)
        if old and _looks(old) == _looks(wanted):
            return
        new = self._folder / _NEW
        with new.open("wb") as target:
            shutil.copyfileobj(source, target)
        self._place(new, path, wanted.st_mtime_ns)

    def finish(self) -> None:
        """Remove the files of earlier exports that were not put, and shorten the list."""
        old = [name for key, name in self._listed.items() if key not in self._wanted]
        for name in sorted(old, reverse=True):
            self._remove(self._folder / name)
        if self._listed != self._wanted:
            self._write_list(sorted(self._wanted.values()))

    def _claim(self, name: str) -> Path:
        path, key = self._folder / name, self._key(name)
        for parent in _parents(name):
            self._make_folder(parent)
        self._wanted[key] = name
        if _is_real_folder(path):
            self._empty(path, key)
        if key not in self._listed:
            if os.path.lexists(path):
                raise ExportError(_refusal(path))
            with (self._folder / _LIST).open("a", encoding="utf-8") as names:
                names.write(f"{name}\n")
            self._listed[key] = name
        return path

    def _make_folder(self, name: str) -> None:
        """Make room for a folder where an earlier export wrote a file."""
        path, key = self._folder / name, self._key(name)
        if key in self._parents:
            return
        if os.path.lexists(path) and not _is_real_folder(path):
            if key not in self._listed:
                raise ExportError(_refusal(path))
            self._remove(path)
        self._parents.add(key)

    def _empty(self, path: Path, key: str) -> None:
        """Remove a folder of earlier exports to make room for a file."""
        for inner, name in self._listed.items():
            if inner.startswith(f"{key}/"):
                self._remove(self._folder / name)
        with suppress(OSError):
            path.rmdir()
        if path.exists():
            raise ExportError(_OCCUPIED.format(path))

    def _key(self, name: str) -> str:
        """Return a key that all spellings of one file's name share."""
        return normalize("NFC", name).casefold() if self._is_folding else name

    def _read_list(self) -> list[str]:
        path = self._folder / _LIST
        text = path.read_text("utf-8", "surrogateescape") if path.exists() else ""
        # A full disk can cut the last name; its file was then never written.
        whole, end, cut = text.rpartition("\n")
        names = whole.split("\n") if end else []
        if not all(map(is_name, names)):
            raise ExportError(f"{path} is damaged: empty the folder, then export")
        if cut:
            self._write_list(names)
        return names

    def _write_list(self, names: list[str]) -> None:
        # In one step: without the list, an export would refuse the files of earlier ones.
        new = self._folder / _NEW
        new.write_text("".join(f"{name}\n" for name in names), "utf-8")
        os.replace(new, self._folder / _LIST)

    def _place(self, new: Path, path: Path, time: int) -> None:
        os.utime(new, ns=(time, time))
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(new, path)
        self.written += 1

    def _remove(self, path: Path) -> None:
        above = path.relative_to(self._folder).parents
        if any((self._folder / folder).is_symlink() for folder in above if folder.name):
            # An export writes nothing behind a link.
            return
        if os.path.lexists(path) and not _is_real_folder(path):
            path.unlink()
            self.removed += 1
        with suppress(OSError):
            # Up to the first folder that is not empty.
            while path.parent != self._folder:
                path = path.parent
                path.rmdir()


@contextmanager
def opened(folder: Path) -> Iterator[ManagedDirectory]:
    """Open the folder, created if it is missing, for one export at a time.

    Raise ExportError when it cannot be written.
    """
    lock = LeaderLock(folder / _LOCK)
    try:
        _refuse_in_use(folder)
        (folder / OWN).mkdir(parents=True, exist_ok=True)
        if not lock.try_acquire():
            raise ExportError(f"another export writes to {folder}: wait for it")
        # An export that was interrupted may have left it.
        (folder / _NEW).unlink(missing_ok=True)
        yield ManagedDirectory(folder)
    except OSError as error:
        raise ExportError(f"{error.filename or folder}: {error.strerror}") from error
    finally:
        lock.release()


def _refuse_in_use(folder: Path) -> None:
    """Raise ExportError for a folder that holds files and that no export ever wrote to."""
    for name in (OWN, *_KEPT):
        if (folder / name).is_symlink():
            raise ExportError(_LINK.format(folder / name))
    if folder.is_dir() and not (folder / OWN).is_dir() and any(folder.iterdir()):
        raise ExportError(_IN_USE.format(folder))


def _refusal(path: Path) -> str:
    return (_LINK if path.is_symlink() else _FOREIGN).format(path)


def _is_real_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _plain_file(path: Path) -> os.stat_result | None:
    """Return the status of a plain file; None for anything else, links included."""
    status = path.lstat() if os.path.lexists(path) else None
    return status if status and stat.S_ISREG(status.st_mode) else None


def _parents(name: str) -> Iterator[str]:
    """Yield the folders of a name, the outermost first."""
    for index, character in enumerate(name):
        if character == "/":
            yield name[:index]


def is_name(name: str) -> bool:
    """Return True if a file below the folder can have this name."""
    parts = name.split("/")
    fits = all(part and len(part.encode("utf-8", "replace")) <= _LONGEST for part in parts)
    return fits and not {".", ".."} & set(parts) and _CONTROL.search(name) is None


def _looks(status: os.stat_result) -> tuple[int, int]:
    return status.st_mtime_ns, status.st_size
