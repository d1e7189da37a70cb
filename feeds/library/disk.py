"""The content folder: what files there are, and the bytes of one, whatever somebody put there."""

import errno
import os
import re
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from unicodedata import normalize

from feeds.errors import ArticleError, Reason

#: Bytes of one file; real articles have 2 to 24 kB.
MAX_BYTES = 1 << 20

#: Characters of the path of a folder; the kernel takes 4095 bytes, in ever more time.
MAX_PATH = 1000

# Python reads bytes that are not UTF-8 as lone surrogates, which no database or URL can hold.
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNNAMABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


_NAME = attrgetter("name")

#: In place of the stamp of a folder that cannot be read; its own name there is empty.
UNREADABLE = "unreadable"


#: The stamps of files by folder, below the content folder, and by name.
Stamps = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder below the content folder and the stamps of the articles' files in it."""

    #: Below the content folder, as the disk has it; empty for itself.
    path: str
    #: By name, which can be kept.
    stamps: dict[str, str]
    #: Names of files that are no articles, as the disk has them.
    others: tuple[str, ...] = ()
    #: Names of articles' files, as the disk has them, that cannot be kept so.
    misnamed: tuple[str, ...] = ()

    @property
    def prefix(self) -> str:
        """What the path of a file of this folder begins with, below the content folder."""
        return f"{self.path}/" if self.path else ""


def walk(content: Path, below: str = "") -> Iterator[Folder]:
    """Yield every folder from ``below`` on, sorted; hidden ones are not entered.

    A folder that cannot be read has no files but the empty name. Raise OSError when that is the
    content folder: then nothing is known about any file.
    """
    # Not by recursion: a path may have five hundred folders.
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


def _look(content: Path, path: str) -> tuple[Folder, list[str]]:
    """One folder and the names of those in it."""
    with os.scandir(content / path if path else content) as entries:
        found = sorted(entries, key=_NAME)
    inner, others, misnamed, stamps = [], [], [], {}
    is_sound = is_namable(path)
    # One look at each, since a folder may hold a hundred thousand.
    for entry in found:
        name = entry.name
        if entry.is_dir(follow_symlinks=False):
            inner += [] if name.startswith(".") else [name]
        elif not is_article(name):
            others.append(name)
        elif not (is_sound and is_namable(name)):
            misnamed.append(name)
            stamps[storable(name)] = ""
        else:
            try:
                stamps[name] = stamp(entry.stat(follow_symlinks=False))
            except FileNotFoundError:
                # Gone by now, which says nothing of others.
                continue
    return Folder(path, stamps, tuple(others), tuple(misnamed)), inner


def is_namable(path: str) -> bool:
    """Whether a path can stand in a database, a URL and a log."""
    # What can be printed is; to ask so first takes a tenth of the time.
    return path.isprintable() or _UNNAMABLE.search(path) is None


def storable(path: str) -> str:
    """A path with every byte that is not UTF-8 as a control character: to be kept, not opened."""
    return _SURROGATE.sub("\x1a", path)


def join(folder: str, name: str) -> str:
    """The path of a file below the content folder."""
    return f"{folder}/{name}" if folder else name


def split(path: str) -> tuple[str, str]:
    """The folder and the name of a path below the content folder."""
    folder, _, name = path.rpartition("/")
    return folder, name


def is_article(name: str) -> bool:
    """Whether a file of this name is looked at: ``*.md``, but not an editor's hidden files."""
    return name.endswith(".md") and not name.startswith(".")


def is_hidden(path: str) -> bool:
    """Whether a file or a folder above it is hidden."""
    return path.startswith(".") or "/." in path


def is_folder(status: os.stat_result) -> bool:
    """Whether this is the status of a folder."""
    return stat.S_ISDIR(status.st_mode)


def stamp(status: os.stat_result) -> str:
    """What moves when a file is written, replaced, or made readable."""
    # The second time is that of the inode, which nobody can set: writers may keep the first.
    return f"{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_size}-{status.st_ino}"


def read(content: Path, path: str) -> bytes:
    """The bytes of a file.

    Raise ArticleError for what is not a plain readable file of bearable size inside the folder,
    FileNotFoundError when it is gone.
    """
    _check_name(path)
    # Without following: a link may lead out. Without blocking: a FIFO would hang the reader.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        handle = os.open(content / path, flags)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise _unopened(content / path, error) from None
    try:
        return _read_plain(handle)
    except OSError as error:
        raise ArticleError(Reason.UNREADABLE, f"{error.strerror}: make it readable") from None
    finally:
        os.close(handle)


def is_there(content: Path, path: str, without: Collection[str]) -> bool:
    """Whether there is a file at a path, unless it is one of those that are known to be gone."""
    if path in without:
        return False
    try:
        os.lstat(content / path)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        # A folder that cannot be read says nothing of its files.
        return True
    return True


def as_on_disk(folder: Path, path: str) -> str:
    """Return a path below a folder in the Unicode normal form that the disk has it in."""
    # A checkout can change it, and an address keeps the one that its author typed.
    forms = () if path.isascii() else (path, normalize("NFC", path), normalize("NFD", path))
    return next((form for form in forms if os.path.lexists(folder / form)), path)


def size(folder: Path, path: str) -> int | None:
    """The bytes of a plain file inside a folder; None when there is none."""
    if ".." in path.split("/") or "\0" in path:
        return None
    try:
        status = os.lstat(folder / path)
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _read_plain(handle: int) -> bytes:
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        raise ArticleError(Reason.NOT_A_FILE, "not a plain file: replace it by one")
    found = b""
    # One read gives at most what is there now; a file that grows meanwhile is cut at the limit.
    while len(found) <= MAX_BYTES and (piece := os.read(handle, MAX_BYTES + 1 - len(found))):
        found += piece
    if len(found) > MAX_BYTES:
        raise ArticleError(Reason.TOO_LARGE, f"larger than {MAX_BYTES} bytes: shorten it")
    return found


def _check_name(path: str) -> None:
    if not is_namable(path):
        message = "a file name with control characters or not in UTF-8: rename it"
        raise ArticleError(Reason.BAD_NAME, message)


def _unopened(path: Path, error: OSError) -> ArticleError:
    if path.is_symlink():
        return ArticleError(Reason.OUTSIDE, "a link: put the file itself into the folder")
    if path.exists() and not path.is_file():
        return ArticleError(Reason.NOT_A_FILE, "not a plain file: replace it by one")
    return ArticleError(Reason.UNREADABLE, f"{error.strerror}: make it readable")
