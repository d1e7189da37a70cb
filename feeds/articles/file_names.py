"""The names of files below the content folder: what is an article, and how a path is kept."""

import re

# Python reads bytes that are not UTF-8 as lone surrogates, which no database or URL can hold.
_SURROGATE = re.compile("[\ud800-\udfff]")
_UNNAMABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


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
