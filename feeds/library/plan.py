"""What a refresh has to do: what is on disk against what the index knows of it."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from feeds.library import disk


@dataclass(frozen=True, slots=True)
class Plan:
    """What a refresh has to do: paths of files to read, and of files that are gone."""

    read: tuple[str, ...]
    gone: tuple[str, ...]
    #: How many of those to read were not there before.
    new: int


def plan(found: Mapping[str, str], known: Mapping[str, str]) -> Plan:
    """Compare the stamps of files on disk with those in the index, both by path."""
    if found == known:
        return Plan((), (), 0)
    read = tuple(path for path, stamp in found.items() if known.get(path) != stamp)
    gone = tuple(path for path in known if path not in found)
    return Plan(read, gone, sum(path not in known for path in read))


def is_great_loss(plan: Plan, known: int) -> bool:
    """Whether so much is gone that a failed mount is likelier than an editor."""
    lost = len(plan.gone) - plan.new
    return lost > 10 and lost * 5 > known


def find(content: Path, below: Iterable[str], known: Mapping[str, str]) -> dict[str, str]:
    """The stamps of all files below some folders, or of some files; what is gone is not there.

    Files of a folder that cannot be read are taken to be as they are known. Raise OSError when
    that is the content folder.
    """
    found: dict[str, str] = {}
    for path in below:
        found |= _found(content, path, known)
    return found


def namable(path: str) -> str:
    """The path, or the nearest folder above it whose name can be kept."""
    while not disk.is_namable(path):
        path = disk.split(path)[0]
    return path


def _found(content: Path, path: str, known: Mapping[str, str]) -> dict[str, str]:
    if path == "":
        return _walked(content, path, known)
    try:
        status = os.lstat(content / path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError:
        return _as_known(path, known)
    if disk.is_hidden(path):
        return {}
    if disk.is_folder(status):
        return _walked(content, path, known)
    return {path: disk.stamp(status)} if disk.is_article(path) else {}


def _walked(content: Path, path: str, known: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for folder in disk.walk(content, path):
        prefix = folder.prefix
        found.update([(prefix + name, stamp) for name, stamp in folder.stamps.items()])
    for unreadable in [path for path in found if path.endswith("/")]:
        found |= _as_known(unreadable.rstrip("/"), known) | {unreadable: disk.UNREADABLE}
    return found


def _as_known(path: str, known: Mapping[str, str]) -> dict[str, str]:
    """What is known of a file, or of all files below a folder."""
    return {k: stamp for k, stamp in known.items() if k == path or k.startswith(f"{path}/")}
