"""The difference of folder and index: which files to read, and which are gone."""

import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from feeds.articles import is_hidden, is_namable, join, refuse_path, split, storable, without_ending
from feeds.errors import ArticleError
from feeds.index import Stamps
from feeds.sync import containment, scan


@dataclass(frozen=True, slots=True)
class FolderDiff:
    """The difference of folder and index: paths of files to read, and of missing files."""

    read: tuple[str, ...]
    gone: tuple[str, ...]
    #: The number of those to read that are new.
    new: int
    #: Those of ``gone`` that a person hid, which no failed mount does: see ``with_hidden``.
    linked: frozenset[str] = frozenset()
    moved: frozenset[str] = frozenset()

    @property
    def hidden(self) -> frozenset[str]:
        """The missing files that must be withdrawn at once, also in a great loss."""
        return self.linked | self.moved


def compare(found: Stamps, known: Stamps) -> FolderDiff:
    """Compare the stamps of files on disk with those in the index."""
    read: list[str] = []
    gone: list[str] = []
    new = 0
    # A folder at a time: one comparison finds that most have not changed.
    for folder in found | known:
        there, before = found.get(folder, {}), known.get(folder, {})
        if there == before:
            continue
        changed = [name for name, stamp in there.items() if before.get(name) != stamp]
        read += [join(folder, name) for name in changed]
        gone += [join(folder, name) for name in before if name not in there]
        new += sum(name not in before for name in changed)
    return FolderDiff(tuple(read), tuple(gone), new)


def with_hidden(content: Path, diff: FolderDiff, found: Stamps, known: Stamps) -> FolderDiff:
    """Return the difference with the missing files that a person hid."""
    if not diff.gone:
        return diff
    linked = _behind_links(content, diff.gone)
    return replace(diff, linked=linked, moved=_moved_to_drafts(diff, found, known))


def _behind_links(content: Path, gone: Iterable[str]) -> frozenset[str]:
    """Return the files that are gone because a folder of their path is a symbolic link now."""

    @cache
    def is_linked(folder: str) -> bool:
        """Return True if a folder, or one above it, is a symbolic link."""
        try:
            containment.status(content, join(folder, "any"))
        except containment.LinkedFolder:
            return True
        except OSError:
            return False
        return False

    return frozenset(path for path in gone if is_linked(split(path)[0]))


def _moved_to_drafts(diff: FolderDiff, found: Stamps, known: Stamps) -> frozenset[str]:
    """Return the files that are gone because they are drafts by their new path.

    A move within a file system keeps the file's time, size and inode. Any other move keeps its
    name, which counts if only one file of that name is gone.
    """
    drafts = [path for path in diff.read if _is_new(path, known) and _is_draft(path)]
    files = {_file(found, path) for path in drafts} - {None}
    names = {_plain_name(path) for path in drafts}
    gone = Counter(map(_plain_name, diff.gone))
    return frozenset(
        path
        for path in diff.gone
        if _file(known, path) in files or (gone[name := _plain_name(path)] == 1 and name in names)
    )


def _is_new(path: str, known: Stamps) -> bool:
    folder, name = split(path)
    return name not in known.get(folder, {})


def _is_draft(path: str) -> bool:
    try:
        refuse_path(path)
    except ArticleError:
        return True
    return False


def _file(stamps: Stamps, path: str) -> tuple[str, ...] | None:
    """Return what a file keeps when it is moved; None when that is unknown."""
    folder, name = split(path)
    return scan.kept_by_a_move(stamps[folder][name])


def _plain_name(path: str) -> str:
    """Return the name of a file without what makes it a draft."""
    return split(without_ending(path))[1].removeprefix("_").removesuffix(".draft")


def find(content: Path, below: Iterable[str], known: Stamps) -> Stamps:
    """Return the stamps of all files below some folders, or of some files, without missing ones.

    Files of a folder that cannot be read are taken to be as they are known. Raise OSError when
    that is the content folder.
    """
    found: Stamps = {}
    for path in below:
        for folder, stamps in _found(content, path, known):
            found[folder] = found[folder] | stamps if folder in found else stamps
    return found


def namable(path: str) -> str:
    """Return the path, or the nearest folder above it whose name the index can hold."""
    while not is_namable(path):
        path = split(path)[0]
    return path


def _found(content: Path, path: str, known: Stamps) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield folders, some more than once, and the stamps of the files in them."""
    if path == "":
        yield from _walked(content, path, known)
        return
    try:
        status = containment.status(content, path)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError:
        yield from _as_known(path, known)
        return
    if is_hidden(path):
        return
    if scan.is_folder(status):
        yield from _walked(content, path, known)
        return
    folder, name = split(path)
    if scan.has_outcome(name, stat.S_ISLNK(status.st_mode)):
        yield folder, {name: scan.stamp(status)}


def _walked(content: Path, path: str, known: Stamps) -> Iterator[tuple[str, dict[str, str]]]:
    for folder in scan.walk(content, path):
        kept = storable(folder.path)
        if "" in folder.stamps:
            yield from _as_known(kept, known)
        yield kept, folder.stamps


def _as_known(path: str, known: Stamps) -> Iterator[tuple[str, dict[str, str]]]:
    """Return the known stamps of a file, or of all files below a folder."""
    for folder, stamps in known.items():
        if folder == path or folder.startswith(f"{path}/"):
            yield folder, stamps
    folder, name = split(path)
    if name in known.get(folder, {}):
        yield folder, {name: known[folder][name]}
