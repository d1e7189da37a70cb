"""The site as a folder of files that any web server can serve.

A file holds the body of the response to a GET, byte for byte. Next to it are its encoded copies.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO
from unicodedata import normalize

from feeds.errors import ExportError
from feeds.managed_directory import OWN, ManagedDirectory, is_name

#: The endings of encoded copies, by coding.
ENDINGS = {"gzip": ".gz", "br": ".br", "zstd": ".zst"}

#: The maps by which nginx answers 301 and 410; see deploy/nginx-static.conf.
_SITE_MAP, _MOVED_MAP, _ENDED_MAP = f"{OWN}/site.map", f"{OWN}/moved.map", f"{OWN}/ended.map"
_PUBLIC_MAP = f"{OWN}/public.map"


@dataclass(frozen=True, slots=True)
class ExportedResponse:
    """The response of the server to a GET."""

    status: int
    #: Without parameters.
    media_type: str
    #: The coding of the body; empty without one.
    coding: str
    #: Seconds UTC.
    modified: int
    body: bytes


#: Fetches a decoded path from the server, in a coding or in none.
Fetch = Callable[[str, str], ExportedResponse]


def file_name(path: str, media_type: str) -> str:
    """Return the name of the file of a path: all.rss, or topics/ai.html for ``/topics/ai``."""
    if media_type != "text/html":
        return path.removeprefix("/")
    return "index.html" if path == "/" else f"{path.removeprefix('/')}.html"


def names(paths: Iterable[str], images: Iterable[str], fetch: Fetch) -> Iterator[str]:
    """Yield the names of all files that an export of these documents and images may write."""
    for path in paths:
        plain = fetch(path, "")
        if plain.status == 200:
            name = file_name(path, plain.media_type)
            yield name
            yield from (name + ending for ending in ENDINGS.values())
    yield from map(_image_target, images)
    yield from (_SITE_MAP, _MOVED_MAP, _ENDED_MAP, _PUBLIC_MAP)


def put_document(directory: ManagedDirectory, path: str, fetch: Fetch) -> bool:
    """Put a document and its encoded copies; return False if no file can have its name."""
    plain = fetch(path, "")
    if plain.status in (404, 410, 301):
        # Withdrawn since the paths were listed.
        return True
    if plain.status != 200:
        raise ExportError(f"{path} was answered with {plain.status}: nothing was removed")
    name = file_name(path, plain.media_type)
    if not directory.has_room(name):
        return False
    modified = directory.put(name, plain.body, plain.modified)
    for coding, ending in ENDINGS.items():
        encoded = fetch(path, coding)
        if encoded.coding == coding and directory.has_room(name + ending):
            directory.put(name + ending, encoded.body, modified)
    return True


def put_image(
    directory: ManagedDirectory, name: str, open_image: Callable[[str], IO[bytes] | None]
) -> bool:
    """Put an image of the site if it exists; return False if no file can have its name."""
    target = _image_target(name)
    if not (is_name(name) and directory.has_room(target)):
        return False
    if image := open_image(name):
        with image:
            directory.copy(target, image)
    return True


def put_public(
    directory: ManagedDirectory, name: str, open_public: Callable[[str], IO[bytes] | None]
) -> bool:
    """Put a public file at the root if it exists; return False if no file can have its name."""
    if not directory.has_room(name):
        return False
    if file := open_public(name):
        with file:
            directory.copy(name, file)
    return True


def put_public_map(directory: ManagedDirectory, public: Iterable[str]) -> None:
    """Put the map of the public files: nginx serves no other file by its own name."""
    lines = [f'"~^/{re.escape(name)}\\z" "public:";\n' for name in public]
    directory.put(_PUBLIC_MAP, "".join(lines).encode(), 0)


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
    """Put the maps of moved and ended addresses; ``patterns`` lead to whole addresses."""
    lines = [
        f'{_pattern(old)} "{site}$tributary_box{new}$tributary_rest";\n'
        for old, new in moved.items()
    ]
    lines += [f'"~{pattern}" "{address}";\n' for pattern, address in patterns]
    directory.put(_SITE_MAP, f'default "{site}";\n'.encode(), 0)
    directory.put(_MOVED_MAP, "".join(lines).encode(), 0)
    directory.put(_ENDED_MAP, "".join(f"{_pattern(path)} 1;\n" for path in ended).encode(), 0)


def _pattern(path: str) -> str:
    """Return the pattern of nginx for requests of a path and of everything below it.

    It matches the undecoded request: a Location with a decoded line break would be two headers.
    """
    # Only our endings follow a dot: /providers/old.example.org is not below old.example.
    below = r"(?<tributary_rest>|/[^?]*?|\.(?:rss|atom|json|opml))/?(?:\?.*)?$"
    return f'"~^(?<tributary_box>/o?embed|){re.escape(path)}{below}"'
