"""The renderers: one pure function per format, without a clock and without state.

Only this folder knows XML, JSON Feed and feedgen.
"""

from collections.abc import Callable

from feeds.formats import atom, json_feed, rss
from feeds.formats.dates import rfc3339
from feeds.formats.item_html import description, escape
from feeds.formats.item_sizes import FRAME, MAX_BYTES, MAX_ITEM_BYTES, weigher, weight
from feeds.formats.opensearch import MOST_SHORT_NAME, SEARCH
from feeds.formats.opensearch import render as opensearch
from feeds.formats.opml import Outline
from feeds.formats.opml import render as opml
from feeds.formats.sitemap import render as sitemap
from feeds.model import Feed, Format

__all__ = [
    "FRAME",
    "MAX_BYTES",
    "MAX_ITEM_BYTES",
    "MOST_SHORT_NAME",
    "SEARCH",
    "Feed",
    "Format",
    "Outline",
    "content_type",
    "description",
    "escape",
    "opensearch",
    "opml",
    "render",
    "rfc3339",
    "sitemap",
    "weigher",
    "weight",
]

#: The version of the renderer, which is part of the ETag of every feed. Raise it by one if the
#: bytes of a document change, and only then: a test ties it to the golden documents. The versions
#: of the libraries are not part of it: an upgrade that changes no byte must move no ETag.
VERSION = 8

_RENDERERS: dict[Format, Callable[[Feed], bytes]] = {
    Format.RSS: rss.render,
    Format.ATOM: atom.render,
    Format.JSON: json_feed.render,
}


def render(feed: Feed, format: Format) -> bytes:
    """Render a feed as a document: the same feed gives the same bytes, anywhere and at any time."""
    return _RENDERERS[format](feed)


def content_type(format: Format) -> str:
    """Return the Content-Type of documents of this format."""
    return f"{format.media_type}; charset=utf-8"
