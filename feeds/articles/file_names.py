"""Paths below the content folder: which are articles, and how the index stores them."""

import re

# Python decodes bytes that are not UTF-8 to lone surrogates, which no database or URL can hold.
_SURROGATE = re.compile("[\ud800-\udfff]")
#: The endings of the names of articles: the first everywhere, the others below declared folders.
ENDINGS = (".md", ".markdown", ".mdx")
_UNNAMABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def is_namable(path: str) -> bool:
    """Return True if a path is valid in a database, a URL and a log."""
    # Every printable path is valid; this check takes a tenth of the time.
    return path.isprintable() or _UNNAMABLE.search(path) is None


def storable(path: str) -> str:
    """Return a path for the index, with a control character for each byte that is not UTF-8."""
    return _SURROGATE.sub("\x1a", path)


def join(folder: str, name: str) -> str:
    """Return the path of a file below the content folder."""
    return f"{folder}/{name}" if folder else name


def split(path: str) -> tuple[str, str]:
    """Return the folder and the name of a path below the content folder."""
    folder, _, name = path.rpartition("/")
    return folder, name


def is_article(name: str) -> bool:
    """Return True for the name of an article, but not for an editor's hidden files.

    The further endings make an article only below a folder that site.yml declares.
    """
    return name.endswith(ENDINGS) and not name.startswith(".")


def is_foreign(path: str) -> bool:
    """Return True for a file that is an article only below a folder that site.yml declares."""
    return path.endswith(ENDINGS[1:])


def without_ending(path: str) -> str:
    """Return the path of an article's file without its ending."""
    return path.removesuffix(next(filter(path.endswith, ENDINGS), ""))


def is_hidden(path: str) -> bool:
    """Return True if a file or a folder above it is hidden."""
    return path.startswith(".") or "/." in path
