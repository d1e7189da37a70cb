"""The images of an article, and the media type that the address of an image suggests."""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from urllib.parse import parse_qsl, unquote

from feeds.articles.fields import Fields, Note, limited, places, weight, words
from feeds.articles.links import site_url
from feeds.articles.yaml_tree import Node
from feeds.model import Image

#: The folder of the site's own images, below the content folder and below the site.
PICTURES = "pictures"
#: Images of one article.
MAX_IMAGES = 20
#: Pixels: smaller images are tracking pixels or lines.
MIN_SIDE = 16
#: Minimum of pixels and bytes of a lead image.
LEAD_SIDE, LEAD_LENGTH = 500, 20_000
#: For addresses without a hint: by far the most frequent type on the web.
FALLBACK = "image/jpeg"

_TYPES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "jpe": "image/jpeg",
    "jfif": "image/jpeg",
    "pjpg": "image/jpeg",
    "pjpeg": "image/jpeg",
    "png": "image/png",
    "apng": "image/apng",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "svg": "image/svg+xml",
    "svgz": "image/svg+xml",
    "svg+xml": "image/svg+xml",
    "bmp": "image/bmp",
    "ico": "image/vnd.microsoft.icon",
    "tif": "image/tiff",
    "tiff": "image/tiff",
    "heic": "image/heic",
    "heif": "image/heif",
    "jxl": "image/jxl",
}

#: The first bytes of each type.
_STARTS = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF8": "image/gif",
    b"II*\0": "image/tiff",
    b"MM\0*": "image/tiff",
    b"\0\0\1\0": "image/vnd.microsoft.icon",
    b"BM": "image/bmp",
    b"\xff\x0a": "image/jxl",
    b"\0\0\0\x0cJXL ": "image/jxl",
}
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"mif1": "image/heif",
}

# ``photo.jpg``, ``photo.jpg:large`` (Twitter), ``photo.jpg;w=300``, ``photo.jpg!small``.
_ENDING = re.compile(r"\.([a-z0-9+]{2,7})(?:[:;!@].*)?$", re.DOTALL)
# ``/format/jpg/`` (imgur, Microsoft), ``/f_webp,w_300/`` (Cloudinary), ``/f=webp,w=300/``.
_IN_PATH = re.compile(r"/(?:[^/]*,)?(?:format|fm|f)[/_=:]([a-z0-9+]{2,7})(?=[/,;]|$)")
#: Parameters that name the format in which an image service answers.
_FORMATS = {"format", "fmt", "fm", "f", "output", "wx_fmt", "tp"}
#: Parameters that name the type of an image whose address has no ending.
_KINDS = {"ext", "type", "mime", "mimetype"}
#: Parameters of image services that hold the address of the original.
_ORIGINALS = {"url", "src", "image"}

_PIXELS = re.compile(r"0*[1-9][0-9]{0,4}")


def images(
    node: Node,
    where: str,
    site: str,
    length: Callable[[str], int | None],
    kind: Callable[[str], str | None],
    note: Note,
) -> tuple[Image, ...]:
    """Return the usable images, most important first, led by a large one.

    ``length`` and ``kind`` return the bytes and the media type of an image, None where unknown.
    """
    usable = _distinct(_usable(node, where, site, note))
    kept = limited(usable, MAX_IMAGES, _weight, where, note)
    return _large_first([_with_facts(image, length, kind) for image in kept])


def _with_facts(
    image: Image, length: Callable[[str], int | None], kind: Callable[[str], str | None]
) -> Image:
    found = kind(image.url) or image.media_type
    return replace(image, length=length(image.url), media_type=found)


def media_type(url: str) -> str:
    """Return the media type that the address of an image suggests.

    The query may name it: an image service converts, whatever the ending of the original.
    """
    path, _, query = url.lower().partition("#")[0].partition("?")
    path, parameters = unquote(path), parse_qsl(query.replace("+", "%2b")) if query else []
    return (
        _by_parameter(parameters, _FORMATS)
        or _by_path(path)
        or _by_ending(path)
        or _by_parameter(parameters, _KINDS)
        or _by_original(parameters)
        or FALLBACK
    )


def media_type_of(head: bytes) -> str | None:
    """Return the media type of an image by its first bytes; None for an unknown signature."""
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12])
    if head[:4] == b"RIFF":
        return "image/webp" if head[8:12] == b"WEBP" else None
    return next((kind for start, kind in _STARTS.items() if head.startswith(start)), None)


def _by_ending(path: str) -> str | None:
    # Without a path there is only a host, and ``.ico`` might be its domain.
    after_host = path.partition("://")[2].partition("/")[2]
    found = _ENDING.search(after_host.rpartition("/")[2])
    return _TYPES.get(found[1]) if found else None


def _by_parameter(parameters: list[tuple[str, str]], names: Collection[str]) -> str | None:
    kinds = (value.removeprefix("image/").removeprefix(".") for name, value in parameters
             if name in names)  # fmt: skip
    return next((_TYPES[kind] for kind in kinds if kind in _TYPES), None)


def _by_original(parameters: list[tuple[str, str]]) -> str | None:
    # The scheme of the address of an original is often left out.
    paths = (f"://{value.partition('://')[2] or value}".partition("?")[0]
             for name, value in parameters if name in _ORIGINALS)  # fmt: skip
    return next(filter(None, map(_by_ending, paths)), None)


def _by_path(path: str) -> str | None:
    return next((_TYPES[m[1]] for m in _IN_PATH.finditer(path) if m[1] in _TYPES), None)


def _usable(node: Node, where: str, site: str, note: Note) -> Iterator[Image]:
    for place, item in places(node, where):
        fields = item.mapping(place)
        url = site_url(fields["url"].text(f"{place}.url"), site) if "url" in fields else None
        width, height = _size(fields, f"{place}.", note)
        if url is None:
            note(f"{place}.url: not an http(s) address: left out")
        elif width and height and min(width, height) < MIN_SIDE:
            note(f"{place}: under {MIN_SIDE} pixels: left out")
        else:
            title = words(fields, "title", where=f"{place}.")
            credit = words(fields, "attribution", where=f"{place}.")
            yield Image(url, media_type(url), width, height, title, credit)


def _size(fields: Fields, where: str, note: Note) -> tuple[int | None, int | None]:
    sides = [fields[side].text(where + side) for side in ("width", "height") if side in fields]
    if len(sides) == 2 and all(map(_PIXELS.fullmatch, sides)):
        return int(sides[0]), int(sides[1])
    if any(sides):
        note(f"{where}width: width and height are not two numbers of pixels: left out")
    return None, None


def _distinct(images: Iterator[Image]) -> Iterator[Image]:
    seen: set[str] = set()
    for image in images:
        if image.url not in seen:
            seen.add(image.url)
            yield image


def _weight(image: Image) -> int:
    return weight(image.url, image.title, image.credit)


def _large_first(images: list[Image]) -> tuple[Image, ...]:
    """Move the first image known to be large to the front if the lead is known to be small.

    An image of unknown size keeps its position.
    """
    large = [image for image in images if image.width and not _is_small(image)]
    if large and _is_small(images[0]):
        images = [large[0], *(image for image in images if image is not large[0])]
    return tuple(images)


def _is_small(image: Image) -> bool:
    sides = [side for side in (image.width, image.height) if side is not None]
    if image.length is not None and image.length < LEAD_LENGTH:
        return True
    return bool(sides) and min(sides) < LEAD_SIDE
