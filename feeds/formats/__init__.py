"""The door from a feed to bytes: one function a format, none with a clock or a memory.

Nothing outside this folder has heard of XML, of JSON Feed or of feedgen.
"""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from feeds.formats import _feedgen, atom, json_feed, rss
from feeds.formats.item_html import description
from feeds.formats.opml import Outline
from feeds.formats.opml import render as opml
from feeds.formats.sitemap import render as sitemap
from feeds.formats.sizes import FRAME, MAX_BYTES, MAX_ITEM_BYTES, weight
from feeds.model import Feed, Format

__all__ = [
    "FRAME",
    "MAX_BYTES",
    "MAX_ITEM_BYTES",
    "Outline",
    "content_type",
    "description",
    "opml",
    "render",
    "sitemap",
    "version",
    "weight",
]

_RENDERERS: dict[Format, Callable[[Feed], bytes]] = {
    Format.RSS: rss.render,
    Format.ATOM: atom.render,
    Format.JSON: json_feed.render,
}


def render(feed: Feed, format: Format) -> bytes:
    """The feed as a document: the same feed gives the same bytes, anywhere and at any time."""
    return _RENDERERS[format](feed)


def content_type(format: Format) -> str:
    """The Content-Type of documents of this format."""
    return f"{format.media_type}; charset=utf-8"


def version() -> str:
    """Names this way of rendering: another source or library, another version."""
    return _VERSION


def _digest() -> str:
    modules = sorted(Path(__file__).parent.glob("*.py"))
    sources = b"\0".join(module.read_bytes() for module in modules)
    return sha256(_feedgen.LIBRARIES.encode() + sources).hexdigest()[:12]


_VERSION = _digest()
