"""The images that the server serves itself: those in one folder below the content folder."""

import stat
from collections.abc import Iterator
from mimetypes import guess_type
from pathlib import Path
from typing import IO

from feeds.articles import PICTURES, is_hidden, join, media_type_of
from feeds.sync import containment, scan


def open_image(content: Path, name: str) -> IO[bytes] | None:
    """Open an image by its name below their folder; None when there is none to serve."""
    return containment.open_plain(content, _path(content, name)) if _is_image(name) else None


def image_type(file: IO[bytes]) -> str | None:
    """Return the media type of an open image by its first bytes; None if they match none."""
    head = file.read(16)
    file.seek(0)
    return media_type_of(head)


def image_names(content: Path) -> Iterator[str]:
    """Yield the names of all images below their folder, sorted by folder."""
    for folder in scan.walk(content, PICTURES):
        for name in folder.others:
            path = (folder.prefix + name).removeprefix(f"{PICTURES}/")
            if _is_image(path):
                yield path


def image_length(content: Path, name: str) -> int | None:
    """Return the bytes of an image; None when there is none to serve."""
    if not _is_image(name):
        return None
    try:
        status = containment.status(content, _path(content, name))
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def _path(content: Path, name: str) -> str:
    return scan.as_on_disk(content, join(PICTURES, name))


def _is_image(name: str) -> bool:
    return not is_hidden(name) and (guess_type(name)[0] or "").startswith("image/")
