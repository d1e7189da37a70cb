"""The content folder: lists its files and reads one; all of them are untrusted.

``containment`` defines what is below the folder: nothing behind a symbolic link.
"""

import errno
import os
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from unicodedata import normalize

from feeds.articles import MAX_FILE, is_article, is_namable, join, storable
from feeds.errors import ArticleError, Reason
from feeds.sync import containment

#: Characters of the path of a folder. The kernel takes 4095 bytes, but more slowly with each.
MAX_PATH = 1000

#: Bytes that are read from a file at once.
_PIECE = 65_536

_NAME = attrgetter("name")

_LINK = "a symbolic link, which is not followed: put the file or folder itself in its place"

#: The stamp of the empty name, which stands for a folder that cannot be read.
UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder below the content folder, and the stamps of the files in it."""

    #: Below the content folder, as the disk has it; empty for the content folder.
    path: str
    #: By name, in the form that the index stores: of articles, and of links, which are rejected.
    stamps: dict[str, str]
    #: Names of files that are no articles, as the disk has them.
    others: tuple[str, ...] = ()
    #: Names of articles' files, as the disk has them, that the index cannot store so.
    misnamed: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """The prefix of the path of every file in this folder, below the content folder."""
        return f"{self.path}/" if self.path else ""


def walk(content: Path, below: str = "") -> Iterator[Folder]:
    """Yield every folder from ``below`` on, sorted; hidden ones are not entered.

    A folder that cannot be read has the empty name as its only file. Raise OSError if that is the
    content folder: then no file is known.
    """
    # A loop instead of recursion, since a path may have five hundred folders.
    waiting = [below]
    while waiting:
        path = waiting.pop()
        try:
            if len(path) > MAX_PATH:
                raise OSError(errno.ENAMETOOLONG, "too deep")
            folder, inner = _look(content, path)
        except (FileNotFoundError, NotADirectoryError):
            if path == "":
                raise
            continue
        except OSError:
            if path == "":
                raise
            folder, inner = Folder(path, {"": UNREADABLE}), []
        yield folder
        waiting += [join(path, name) for name in reversed(inner)]


def folders(content: Path, below: str = "") -> Iterator[str]:
    """Yield the path of every folder from ``below`` on, each before its own folders are listed.

    A caller that watches each folder at once therefore misses no folder that is created meanwhile.
    """
    waiting = [below]
    while waiting:
        path = waiting.pop()
        if len(path) > MAX_PATH:
            continue
        yield path
        with suppress(OSError), _opened(content, path) as handle, os.scandir(handle) as entries:
            waiting += [join(path, entry.name) for entry in entries if _is_entered(entry)]


def _is_entered(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False) and not entry.name.startswith(".")


@contextmanager
def _opened(content: Path, path: str) -> Iterator[int]:
    handle = containment.open_folder(content, path)
    try:
        yield handle
    finally:
        os.close(handle)


def _look(content: Path, path: str) -> tuple[Folder, list[str]]:
    """Return one folder and the names of its subfolders."""
    with _opened(content, path) as handle:
        with os.scandir(handle) as entries:
            found = sorted(entries, key=_NAME)
        return _sorted_out(path, found)


def _sorted_out(path: str, found: list[os.DirEntry[str]]) -> tuple[Folder, list[str]]:
    inner, others, misnamed, stamps = [], [], [], {}
    is_sound = is_namable(path)
    # One pass, since a folder may hold a hundred thousand files.
    for entry in found:
        name = entry.name
        if entry.is_dir(follow_symlinks=False):
            inner += [] if name.startswith(".") else [name]
        elif not has_outcome(name, entry.is_symlink()):
            others.append(name)
        elif not (is_sound and is_namable(name)):
            misnamed.append(name)
            stamps[storable(name)] = ""
        else:
            try:
                stamps[name] = stamp(entry.stat(follow_symlinks=False))
            except FileNotFoundError:
                # Gone by now; the other files stay.
                continue
    return Folder(path, stamps, tuple(others), tuple(misnamed)), inner


def has_outcome(name: str, is_link: bool) -> bool:
    """Return True if a file has an outcome: an article, or a link, which is rejected by name."""
    return is_article(name) or (is_link and not name.startswith("."))


def is_folder(status: os.stat_result) -> bool:
    """Return True if a status is that of a folder."""
    return stat.S_ISDIR(status.st_mode)


def stamp(status: os.stat_result) -> str:
    """Return a stamp that changes if a file is written, replaced, or made readable."""
    # The second time is that of the inode, which no program can set: writers may keep the first.
    return f"{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_size}-{status.st_ino}"


def kept_by_a_move(stamp: str) -> tuple[str, ...] | None:
    """Return the part of a stamp that a move within a file system keeps; None if it has none."""
    written, *moved = stamp.rsplit("-", 3)
    return (written, *moved[1:]) if len(moved) == 3 else None


def read(content: Path, path: str) -> bytes:
    """Return the bytes of a file: of one that is too large the first MAX_FILE and one more.

    Raise ArticleError for what is not a plain readable file, FileNotFoundError or
    NotADirectoryError when it is not below the folder any more.
    """
    _check_name(path)
    with containment.entry(content, path) as entry:
        return read_entry(entry)


def read_entry(entry: containment.Entry) -> bytes:
    """Return the bytes of a file as ``read`` does."""
    try:
        handle = entry.open()
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError as error:
        raise _unopened(entry, error) from None
    try:
        return _read_plain(handle)
    except OSError as error:
        raise ArticleError(Reason.UNREADABLE, f"{error.strerror}: make it readable") from None
    finally:
        os.close(handle)


def is_there(content: Path, path: str, without: Collection[str]) -> bool:
    """Return True if a file exists at a path that is not among those known to be missing."""
    if path in without:
        return False
    try:
        containment.status(content, path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        # The files of a folder that cannot be read may be there.
        return True
    return True


def as_on_disk(content: Path, path: str) -> str:
    """Return a path below a folder in the Unicode normal form that the disk has it in."""
    # A checkout can change it, and an address keeps the one that its author typed.
    forms = () if path.isascii() else (path, normalize("NFC", path), normalize("NFD", path))
    return next((form for form in forms if is_there(content, form, ())), path)


def _read_plain(handle: int) -> bytes:
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        raise ArticleError(Reason.NOT_A_FILE, "not a plain file: replace it by one")
    found = b""
    # By pieces: Python allocates as much memory as a read may return.
    while len(found) <= MAX_FILE and (piece := os.read(handle, _PIECE)):
        found += piece
    return found[: MAX_FILE + 1]


def _check_name(path: str) -> None:
    if not is_namable(path):
        message = "a file name with control characters or not in UTF-8: rename it"
        raise ArticleError(Reason.BAD_NAME, message)


def _unopened(entry: containment.Entry, error: OSError) -> ArticleError:
    if error.errno == errno.ELOOP:
        return ArticleError(Reason.OUTSIDE, _LINK)
    if not stat.S_ISREG(entry.status().st_mode):
        return ArticleError(Reason.NOT_A_FILE, "not a plain file: replace it by one")
    return ArticleError(Reason.UNREADABLE, f"{error.strerror}: make it readable")
