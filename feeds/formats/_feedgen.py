"""The common part of RSS and Atom, and every workaround for feedgen.

feedgen builds everything around the items, and each item up to its guid in RSS and up to its
content in Atom. Extensions, which see the elements that feedgen has built, correct its errors. The
rest of an item, most of which feedgen does not support or loses, is written as text before the end
of the item: a category costs eight times as much through feedgen as written.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

from feedgen.entry import FeedEntry
from feedgen.ext.base import BaseEntryExtension
from feedgen.feed import FeedGenerator
from lxml import etree

from feeds.formats.dates import rfc3339
from feeds.formats.item_html import escape
from feeds.formats.opensearch import SEARCH
from feeds.model import Feed, Format, RelatedLink

Element = etree._Element

HISTORY = "http://purl.org/syndication/history/1.0"

# lxml writes the declaration with apostrophes, which the sniffing of some readers does not know.
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'

_MARKUP = re.compile("([&<])")
_QUOTE = '"'


class Moment(datetime):
    """A time that feedgen writes into Atom with Z; a plain datetime would end in +00:00."""

    text = ""

    @classmethod
    def of(cls, seconds: int) -> "Moment":
        """Return the time of a number of seconds since 1970."""
        # feedgen only checks the type and the zone.
        moment = cls(1970, 1, 1, tzinfo=UTC)
        moment.text = rfc3339(seconds)
        return moment

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        """Return the time as in RFC 3339."""
        return self.text


class _Unwritten(datetime):
    """A time that feedgen omits from RSS.

    feedgen gives a channel without a time that of the clock, and writing any time into RSS switches
    the locale of the process for a moment.
    """

    def __bool__(self) -> bool:
        return False


UNWRITTEN = _Unwritten(1970, 1, 1, tzinfo=UTC)


class _Finish(BaseEntryExtension):  # type: ignore[misc]  # feedgen has no types
    """An extension that passes the element that feedgen has built to a function."""

    def __init__(self, finish: Callable[[Element], None], namespaces: Mapping[str, str]) -> None:
        self._finish = finish
        self._namespaces = namespaces

    def extend_ns(self) -> dict[str, str]:
        return dict(self._namespaces)

    def extend_rss(self, feed: Element) -> Element:
        self._finish(feed)
        return feed

    extend_atom = extend_rss


def finish(
    built: FeedGenerator | FeedEntry,
    function: Callable[[Element], None],
    namespaces: Mapping[str, str] | None = None,
) -> None:
    """Call a function with the element of a feed or an entry after feedgen has built it."""
    # feedgen expects a class and calls it without arguments.
    built.register_extension("tributary", lambda: _Finish(function, namespaces or {}))


def start(feed: Feed) -> FeedGenerator:
    """Return a generator with the properties of the feed that both formats share."""
    generator = FeedGenerator()
    generator.id(feed.uri)
    generator.title(feed.title)
    generator.description(feed.description or feed.title)
    generator.language(feed.site.language)
    generator.generator("Tributary")
    if feed.site.rights.text:
        generator.rights(feed.site.rights.text)
    return generator


def links(feed: Feed, format: Format) -> list[dict[str, str]]:
    """Return the links of the feed: itself, its neighbours in the archive (RFC 5005), its hubs."""
    documents = {
        "self": feed.addresses,
        "current": feed.current,
        "prev-archive": feed.previous,
        "next-archive": feed.next,
    }
    found = [
        {"rel": rel, "type": format.media_type, "href": addresses.of(format)}
        for rel, addresses in documents.items()
        if addresses
    ]
    found += [{"rel": "hub", "href": hub} for hub in feed.site.hubs]
    # OpenSearch 1.1, 4.5.2: search results name the description of their search.
    search = {"rel": "search", "type": SEARCH, "href": feed.search}
    return [*found, search] if feed.search else found


def mark_history(feed: Feed, parent: Element) -> None:
    """Mark the document as an archive or as the complete feed (RFC 5005)."""
    if feed.archived:
        etree.SubElement(parent, f"{{{HISTORY}}}archive")
    elif feed.complete:
        etree.SubElement(parent, f"{{{HISTORY}}}complete")


def needs_encoding(*texts: str) -> bool:
    """Return True if the texts hold characters that ``encode_markup`` would encode."""
    return _MARKUP.search("".join(texts)) is not None


def encode_markup(built: Element, *tags: str) -> None:
    """Encode & and < in these elements as &#x26; and &#x3C;: no reader parses them as markup.

    RSS Advisory Board, Best Practices Profile: a publisher SHOULD encode "&" and "<" as
    hexadecimal character references in character data that is plain text.
    """
    for element in built.iter(*tags):
        first, *rest = _MARKUP.split(element.text or "")
        element.text = first
        for mark, after in zip(rest[::2], rest[1::2], strict=True):
            reference = etree.Entity(f"#x{ord(mark):X}")
            reference.tail = after
            element.append(reference)


def text_element(tag: str, text: str, attributes: str = "") -> str:
    """Write an element of encoded plain text; each attribute begins with a space."""
    return f"<{tag}{attributes}>{_encoded(text)}</{tag}>"


def html_element(tag: str, html: str) -> str:
    """Write an element that holds HTML."""
    escaped = html.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<{tag}>{escaped}</{tag}>"


def quoted(value: str) -> str:
    """Write the value of an attribute, such as an address, with its quotation marks."""
    return f'"{escape(value)}"'


def quoted_text(text: str) -> str:
    """Write the value of an attribute of encoded plain text, with its quotation marks."""
    return f'"{_encoded(text).replace(_QUOTE, "&quot;")}"'


def related(link: RelatedLink) -> str:
    """Write the attributes of a related link, which RSS and Atom share."""
    title = quoted_text(link.title)
    return f'rel="related" type="text/html" href={quoted(link.url)} title={title}'


def _encoded(text: str) -> str:
    return text.replace("&", "&#x26;").replace("<", "&#x3C;").replace(">", "&gt;")


class ItemText(NamedTuple):
    """The part of an item that is written as text."""

    ending: str
    #: Each begins with a space.
    attributes: str = ""


def document(built: bytes, tag: str, texts: Iterable[ItemText]) -> bytes:
    """Return the document: the bytes that feedgen built with the text of each item inserted."""
    start, end = f"<{tag}>".encode(), f"</{tag}>".encode()
    # Texts are escaped: the tags occur only at the start and at the end of an item.
    *items, rest = built.split(end)
    parts = [_DECLARATION]
    for item, text in zip(items, texts, strict=True):
        if text.attributes:
            item = item.replace(start, f"<{tag}{text.attributes}>".encode(), 1)
        parts += (item, text.ending.encode(), end)
    return b"".join((*parts, rest, b"\n"))
