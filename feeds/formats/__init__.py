"""The door from a feed to bytes: one function a format, none with a clock or a memory.

Nothing outside this folder has heard of XML, of JSON Feed or of feedgen.
"""

from collections.abc import Callable

from feeds.formats import atom, json_feed, rss
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
    "Feed",
    "Format",
    "Outline",
    "content_type",
    "description",
    "opml",
    "render",
    "sitemap",
    "weight",
]

#: The version of the renderer, a part of the ETag of every feed. Raise it by one when the bytes of
#: a document change, and only then: a test ties it to the golden documents. A library's version has
#: no part in it, so that an upgrade that changes no byte moves no ETag.
VERSION = 1

_RENDERERS: dict[Format, Callable[[Feed], bytes]] = {
    Format.RSS: rss.render,
    Format.ATOM: atom.render,
    Format.JSON: json_feed.render,
}


def render(feed: Feed, format: Format) -> bytes:
    """The feed as a document: the same feed gives the same bytes, allow_any and at any time."""
    return _RENDERERS[format](feed)


def content_type(format: Format) -> str:
    """The Content-Type of documents of this format."""
    return f"{format.media_type}; charset=utf-8"
