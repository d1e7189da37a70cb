"""The images of a body: their addresses, wherever pages put them, and the small ones in texts."""

import re
from collections import deque
from collections.abc import Iterator
from itertools import islice

from selectolax.lexbor import LexborNode

from feeds.articles.body_addresses import Attributes, Page, late_addresses
from feeds.articles.html_tags import NO_SCRIPT
from feeds.articles.images import MIN_SIDE
from feeds.plain_text import INLINE

#: Pixels: of several sizes of an image, the largest up to this one is taken.
SENSIBLE_WIDTH = 2_000

#: Sources of one picture.
MAX_SOURCES = 20

_PIXELS = re.compile(r"\s*([0-9]{1,5})(?:\.[0-9]*)?\s*(?:px)?\s*(?:!important\s*)?", re.IGNORECASE)
_SIZE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([wx])")
_SIDES = ("width", "height")
_SIZE_IN_NAME = re.compile(r"-[0-9]{2,4}x[0-9]{2,4}(?=\.[a-z]{3,4}$)")
_SIZING = {"", "w", "h", "width", "height", "fit", "resize", "crop", "quality", "q", "ssl", "strip"}
_SMILEYS = {"wp-smiley", "emoji", "emojione", "twemoji", "smiley", "smilies"}

# Hosts of tracking pixels, by their whole names, and paths of such images on other hosts.
_COUNTERS = re.compile(
    r"https?://(?:"
    r"(?:[a-z0-9-]+\.)*(?:doubleclick\.net|google-analytics\.com|scorecardresearch\.com"
    r"|quantserve\.com|statcounter\.com)/"
    r"|(?:pixel|stats)\.(?:wp|wordpress)\.com/|bat\.bing\.com/|px\.ads\.linkedin\.com/"
    r"|analytics\.twitter\.com/|www\.googletagmanager\.com/|(?:www\.)?facebook\.com/tr\b"
    r"|feeds\.feedburner\.com/~"
    # Names and sizes of invisible images.
    r"|[^?#]*/(?:(?:1x1|pixel|spacer|blank|clear|transparent)\.gif|1x1\.png|1x1/?)(?:[?#]|$)"
    r"|[^#]*[?&](?:w|width)=1&(?:h|height)=1(?:[&#]|$))"
)


def is_counter(url: str) -> bool:
    """Return True if an address is that of an image or a frame that shows nothing."""
    return _COUNTERS.match(url) is not None


def is_hidden(attributes: Attributes) -> bool:
    """Return True if an element is not displayed, or has a side of at most one pixel."""
    style = _style(attributes)
    is_off = style.get("display") == "none" or style.get("visibility") == "hidden"
    return is_off or min(_sides(attributes, style).values(), default=99) <= 1


def show_image(node: LexborNode, page: Page) -> bool:
    """Give an ``<img>`` one address and its size; return True if it is to be removed."""
    attributes = node.attributes
    if is_hidden(attributes) or _is_twin(node, page):
        return True
    counts = False
    for address in _addresses(node, attributes):
        if url := page.image(address):
            if not is_counter(url):
                return _show(node, attributes, url)
            counts = True
    if not counts and not _has_twin(node):
        page.lost(attributes, "an image without an http(s) address")
    return True


def _show(node: LexborNode, attributes: Attributes, url: str) -> bool:
    alt = (attributes.get("alt") or "").strip()
    sides = _sides(attributes, _style(attributes))
    is_small = min(sides.values(), default=99) < MIN_SIDE
    is_smiley = not _SMILEYS.isdisjoint((attributes.get("class") or "").split())
    is_sign = is_smiley or max(sides.values(), default=99) < MIN_SIDE
    if (alt and is_sign) or (is_small and not _is_in_sentence(node)):
        node.insert_before(alt)
        return True
    _write(node, attributes, {"src": url, "alt": alt}, {} if is_small else _pixels(attributes))
    return False


def remove_lead(body: LexborNode, lead: str) -> None:
    """Remove the first image if it is the lead image, and nothing can be read before it.

    Readers show the lead image before the body.
    """
    image = body.css_first("img")
    if image is None or _picture(image.attributes.get("src") or "") != _picture(lead):
        return
    node = image
    while node.tag != "body":
        parent = node.parent
        if parent is None or _beside(node, -1) is not None:
            return
        node = parent
    node = image
    while node.parent is not None and node.parent.tag != "body" and _is_alone(node):
        node = node.parent
    node.decompose()


def _is_alone(node: LexborNode) -> bool:
    return _beside(node, -1) is None and _beside(node, 1) is None


def _picture(url: str) -> str:
    """Return an address without its scheme and what image services and WordPress call a size."""
    path, _, query = url.partition("://")[2].partition("?")
    kept = [part for part in query.split("&") if part.partition("=")[0] not in _SIZING]
    return f"{_SIZE_IN_NAME.sub('', path)}?{'&'.join(kept)}"


def _write(
    node: LexborNode, attributes: Attributes, first: dict[str, str], sides: dict[str, int]
) -> None:
    title, written = attributes.get("title"), node.attrs
    # In one order. Other attributes do not pass nh3.
    for name in ("src", "alt", "title", *_SIDES):
        if name in attributes:
            del written[name]
    for name, value in first.items():
        written[name] = value
    if title:
        written["title"] = title
    for side, pixels in sides.items():
        written[side] = str(pixels)


def _addresses(node: LexborNode, attributes: Attributes) -> Iterator[str]:
    """Yield the addresses that an image may have, the likeliest to be right first."""
    yield from late_addresses(attributes)
    for name in ("data-srcset", "data-lazy-srcset"):
        yield from _largest(attributes.get(name))
    yield attributes.get("src") or ""
    yield from _largest(attributes.get("srcset"))
    parent = node.parent
    if parent is not None and parent.tag == "picture":
        for source in islice(parent.iter(), MAX_SOURCES):
            yield from _largest(source.attributes.get("srcset"))
            yield from _largest(source.attributes.get("data-srcset"))


def _largest(candidates: str | None) -> list[str]:
    """Return the addresses of a ``srcset``, the largest sensible one first."""
    if not candidates:
        return []
    sized = [(_width(size), url) for url, size in _candidates(candidates)]
    return [url for _, url in sorted(sized, key=_preference)]


def _candidates(srcset: str) -> Iterator[tuple[str, str]]:
    """Yield each address with its size; an address may contain commas, but not end with one."""
    words = deque(srcset.split())
    while words:
        written = words.popleft().lstrip(",")
        url, size = written.rstrip(","), ""
        while words and url == written:
            found, written, following = words.popleft().partition(",")
            size = size or found
            if following:
                words.appendleft(following)
            written = url if not written else ""
        if url:
            yield url, size


def _width(size: str) -> float:
    found = _SIZE.fullmatch(size)
    number, unit = found.groups() if found else ("1", "x")
    return float(number) * (1 if unit == "w" else 1_000)


def _preference(sized: tuple[float, str]) -> tuple[bool, float]:
    width = sized[0]
    return (width > SENSIBLE_WIDTH, width if width > SENSIBLE_WIDTH else -width)


def _is_twin(node: LexborNode, page: Page) -> bool:
    """Return True for an image for browsers without scripts, beside one that is loaded late."""
    parent = node.parent
    if parent is None or parent.tag != NO_SCRIPT:
        return False
    images = [_image_in(beside) for beside in (_beside(parent, -1), _beside(parent, 1))]
    late = (address for image in images if image for address in late_addresses(image.attributes))
    return any(page.image(address) for address in late)


def _has_twin(node: LexborNode) -> bool:
    """Return True if there is an image for browsers without scripts beside this one."""
    besides = (_beside(node, -1), _beside(node, 1))
    return any(each and each.tag == NO_SCRIPT and _image_in(each) for each in besides)


def _image_in(node: LexborNode | None) -> LexborNode | None:
    if node is None or node.tag == "-text":
        return None
    return node if node.tag == "img" else node.css_first("img")


def _beside(node: LexborNode, step: int) -> LexborNode | None:
    """Return what stands before or after a node, white space aside."""
    sibling = node.prev if step < 0 else node.next
    while sibling is not None and sibling.tag == "-text" and not sibling.text().strip():
        sibling = sibling.prev if step < 0 else sibling.next
    return sibling


def _is_in_sentence(node: LexborNode) -> bool:
    besides = (_beside(node, -1), _beside(node, 1))
    return any(each and (each.tag == "-text" or each.tag in INLINE) for each in besides)


def _sides(attributes: Attributes, style: Attributes) -> dict[str, int]:
    """Return the sides of an image in pixels; a style wins over attributes, as in browsers."""
    return _pixels(attributes | style)


def _pixels(values: Attributes) -> dict[str, int]:
    found = ((side, _PIXELS.fullmatch(values.get(side) or "")) for side in _SIDES)
    return {side: int(pixels[1]) for side, pixels in found if pixels}


def _style(attributes: Attributes) -> Attributes:
    """Return the declarations of a style by the whole names of their properties."""
    style = attributes.get("style")
    if not style:
        return {}
    pairs = (declaration.partition(":") for declaration in style.lower().split(";"))
    return {name.strip(): value.removesuffix("!important").strip() for name, _, value in pairs}
