"""What a refresh has to do: what is on disk against what the index knows of it."""

import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from feeds.articles import is_hidden, is_namable, join, split, storable
from feeds.index import Stamps
from feeds.sync import beneath, scan


@dataclass(frozen=True, slots=True)
class FolderDiff:
    """What a refresh has to do: paths of files to read, and of files that are gone."""

    read: tuple[str, ...]
    gone: tuple[str, ...]
    #: How many of those to read were not there before.
    new: int


def plan(found: Stamps, known: Stamps) -> FolderDiff:
    """Compare the stamps of files on disk with those in the index."""
    read: list[str] = []
    gone: list[str] = []
    new = 0
    # A folder at a time: most are as they were, which one comparison tells.
    for folder in found | known:
        there, before = found.get(folder, {}), known.get(folder, {})
        if there == before:
            continue
        changed = [name for name, stamp in there.items() if before.get(name) != stamp]
        read += [join(folder, name) for name in changed]
        gone += [join(folder, name) for name in before if name not in there]
        new += sum(name not in before for name in changed)
    return FolderDiff(tuple(read), tuple(gone), new)


def is_great_loss(plan: FolderDiff, known: int) -> bool:
    """Whether so much is gone that a failed mount is likelier than an editor."""
    lost = len(plan.gone) - plan.new
    return lost > 10 and lost * 5 > known


def find(content: Path, below: Iterable[str], known: Stamps) -> Stamps:
    """The stamps of all files below some folders, or of some files; what is gone is not there.

    Files of a folder that cannot be read are taken to be as they are known. Raise OSError when
    that is the content folder.
    """
    found: Stamps = {}
    for path in below:
        for folder, stamps in _found(content, path, known):
            found[folder] = found[folder] | stamps if folder in found else stamps
    return found


def namable(path: str) -> str:
    """The path, or the nearest folder above it whose name can be kept."""
    while not is_namable(path):
        path = split(path)[0]
    return path


def _found(content: Path, path: str, known: Stamps) -> Iterator[tuple[str, dict[str, str]]]:
    """Folders, some more than once, and the stamps of files in them."""
    if path == "":
        yield from _walked(content, path, known)
        return
    try:
        status = beneath.status(content, path)
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
    if scan.is_judged(name, stat.S_ISLNK(status.st_mode)):
        yield folder, {name: scan.stamp(status)}


def _walked(content: Path, path: str, known: Stamps) -> Iterator[tuple[str, dict[str, str]]]:
    for folder in scan.walk(content, path):
        kept = storable(folder.path)
        if "" in folder.stamps:
            yield from _as_known(kept, known)
        yield kept, folder.stamps


def _as_known(path: str, known: Stamps) -> Iterator[tuple[str, dict[str, str]]]:
    """What is known of a file, or of all files below a folder."""
    for folder, stamps in known.items():
        if folder == path or folder.startswith(f"{path}/"):
            yield folder, stamps
    folder, name = split(path)
    if name in known.get(folder, {}):
        yield folder, {name: known[folder][name]}
