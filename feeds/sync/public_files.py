"""The files that the site serves as they are at its root: those below one folder."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from feeds.articles import is_article, join
from feeds.sync import containment, scan
from feeds.urls import is_own

#: Their folder below the content folder.
PUBLIC = "public"

#: The largest file, in bytes: they are keys, policies and icons.
MAX_PUBLIC = 10_000_000

#: Names that need no escaping in an address, a map of nginx or a log. Only ``.well-known`` begins
#: with a dot.
_NAME = re.compile(r"(?:\.well-known/)?(?:[A-Za-z0-9_~@+=,-][A-Za-z0-9._~@+=,-]*/)*"
                   r"[A-Za-z0-9_~@+=,-][A-Za-z0-9._~@+=,-]*")  # fmt: skip
_MAX_NAME = 500


def open_public(content: Path, name: str) -> IO[bytes] | None:
    """Open a file by its name below the folder; return None if there is none to serve."""
    if public_fault(name):
        return None
    file = containment.open_plain(content, join(PUBLIC, name))
    if file and os.fstat(file.fileno()).st_size > MAX_PUBLIC:
        file.close()
        return None
    return file


def public_names(content: Path) -> Iterator[str]:
    """Yield the names of all files that are served, sorted by folder."""
    for name in _names(content):
        if file := open_public(content, name):
            file.close()
            yield name


def public_faults(content: Path) -> Iterator[tuple[str, str]]:
    """Yield each file of the folder that is not served, with the reason."""
    for name in _names(content):
        fault = public_fault(name)
        if fault or not _is_readable(content, name):
            what = f"a link, over {MAX_PUBLIC} bytes, or unreadable: replace it by a plain file"
            yield f"{PUBLIC}/{name}", fault or what


def public_fault(name: str) -> str:
    """Return why no file of this name is served; the empty text if one may be."""
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        return "not a plain name: use ASCII letters, digits and ._~@+=,-"
    if is_article(name.rpartition("/")[2]):
        # Its front matter may hold what must not leave the server.
        return "an article, never served as it is: rename it"
    if is_own(name):
        return "an address of this site, which answers there itself: rename it"
    return ""


def _is_readable(content: Path, name: str) -> bool:
    try:
        file = open_public(content, name)
    except OSError:
        return False
    if file:
        file.close()
    return file is not None


def _names(content: Path) -> Iterator[str]:
    """Yield the names of all files of the folder, also of links."""
    for below in (PUBLIC, f"{PUBLIC}/.well-known"):
        for folder in scan.walk(content, below):
            for name in (*folder.stamps, *folder.others):
                if name:
                    yield (folder.prefix + name).removeprefix(f"{PUBLIC}/")
