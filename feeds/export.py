"""The site as a folder of files that any web server can serve, with all that is in it.

A file holds what a GET is answered with, byte for byte; beside it are its twins in each coding.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO
from unicodedata import normalize

from feeds.errors import ExportError
from feeds.managed_directory import OWN, ManagedDirectory, is_name

#: The ending of a twin, by its coding.
ENDINGS = {"gzip": ".gz", "br": ".br", "zstd": ".zst"}


#: What nginx must know to answer 301 and 410; see deploy/nginx-static.conf.
_SITE_MAP, _MOVED_MAP, _ENDED_MAP = f"{OWN}/site.map", f"{OWN}/moved.map", f"{OWN}/ended.map"


@dataclass(frozen=True, slots=True)
class ExportedResponse:
    """What the server says to a GET."""

    status: int
    #: Without parameters.
    media_type: str
    #: The coding of the body; empty when it is as it is.
    coding: str
    #: Seconds UTC.
    modified: int
    body: bytes


#: Asks the server for a path, decoded, in a coding or in none.
Ask = Callable[[str, str], ExportedResponse]


def file_name(path: str, media_type: str) -> str:
    """The name of the file for a path: ``/all.rss`` all.rss, ``/topics/ai`` topics/ai.html."""
    if media_type != "text/html":
        return path.removeprefix("/")
    return "index.html" if path == "/" else f"{path.removeprefix('/')}.html"


def names(paths: Iterable[str], images: Iterable[str], ask: Ask) -> Iterator[str]:
    """Yield the names of all files that an export of these documents and images may write."""
    for path in paths:
        plain = ask(path, "")
        if plain.status == 200:
            name = file_name(path, plain.media_type)
            yield name
            yield from (name + ending for ending in ENDINGS.values())
    yield from map(_image_target, images)
    yield from (_SITE_MAP, _MOVED_MAP, _ENDED_MAP)


def put_document(directory: ManagedDirectory, path: str, ask: Ask) -> bool:
    """Put the document at a path, and its twins; False when no file can have its name."""
    plain = ask(path, "")
    if plain.status in (404, 410, 301):
        # Gone since the list of paths was made.
        return True
    if plain.status != 200:
        raise ExportError(f"{path} was answered with {plain.status}: nothing was removed")
    name = file_name(path, plain.media_type)
    if not directory.has_room(name):
        return False
    modified = directory.put(name, plain.body, plain.modified)
    for coding, ending in ENDINGS.items():
        twin = ask(path, coding)
        if twin.coding == coding and directory.has_room(name + ending):
            directory.put(name + ending, twin.body, modified)
    return True


def put_picture(
    directory: ManagedDirectory, name: str, open_image: Callable[[str], IO[bytes] | None]
) -> bool:
    """Put a picture beside the documents if it is there; False when no file can have its name."""
    target = _image_target(name)
    if not (is_name(name) and directory.has_room(target)):
        return False
    if image := open_image(name):
        with image:
            directory.copy(target, image)
    return True


def _image_target(name: str) -> str:
    # A plain web server compares bytes, and addresses are typed in NFC.
    return f"pictures/{normalize('NFC', name)}"


def put_maps(
    directory: ManagedDirectory,
    site: str,
    moved: Mapping[str, str],
    patterns: Iterable[tuple[str, str]],
    ended: Iterable[str],
) -> None:
    """Put the maps of what moved and what ended; ``patterns`` lead to whole addresses."""
    lines = [
        f'{_asked(old)} "{site}$tributary_box{new}$tributary_rest";\n' for old, new in moved.items()
    ]
    lines += [f'"~{pattern}" "{address}";\n' for pattern, address in patterns]
    directory.put(_SITE_MAP, f'default "{site}";\n'.encode(), 0)
    directory.put(_MOVED_MAP, "".join(lines).encode(), 0)
    directory.put(_ENDED_MAP, "".join(f"{_asked(path)} 1;\n" for path in ended).encode(), 0)


def _asked(path: str) -> str:
    """nginx's pattern of requests for a path or anything below it.

    Of the request as it came, not decoded: what goes into Location must hold no line break.
    """
    # After a dot only an ending of ours: /providers/old.example.org is another than old.example.
    below = r"(?<tributary_rest>|/[^?]*?|\.(?:rss|atom|json|opml))/?(?:\?.*)?$"
    return f'"~^(?<tributary_box>/o?embed|){re.escape(path)}{below}"'
