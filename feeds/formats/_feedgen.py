"""What RSS and Atom share, and every quirk of feedgen in one place.

feedgen builds all that stands around the items, and each item up to its guid in RSS and up to its
content in Atom. What it gets wrong is put right through its extensions, which see the elements it
has built. The rest of an item, most of which it cannot say or loses, is written as text before the
item's end: a category that feedgen is given costs eight times as much as one written.
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
from feeds.model import Feed, Format, RelatedLink

Element = etree._Element

HISTORY = "http://purl.org/syndication/history/1.0"

# lxml declares it with apostrophes, which some readers' sniffing does not know.
_DECLARATION = b'<?xml version="1.0" encoding="UTF-8"?>\n'

_MARK = re.compile("([&<])")
_QUOTE = '"'


class Moment(datetime):
    """A time that feedgen's Atom writes with Z: what it writes of its own ends in +00:00."""

    text = ""

    @classmethod
    def of(cls, seconds: int) -> "Moment":
        """The time of that many seconds."""
        # feedgen looks at no more than the type and the zone.
        moment = cls(1970, 1, 1, tzinfo=UTC)
        moment.text = rfc3339(seconds)
        return moment

    def isoformat(self, sep: str = "T", timespec: str = "auto") -> str:
        """The time as in RFC 3339."""
        return self.text


class _Unwritten(datetime):
    """A time that feedgen's RSS leaves out.

    A channel without a time of its own gets that of the clock, and any time that feedgen writes
    into RSS switches the locale of the whole process for a moment.
    """

    def __bool__(self) -> bool:
        return False


UNWRITTEN = _Unwritten(1970, 1, 1, tzinfo=UTC)


class _Finish(BaseEntryExtension):  # type: ignore[misc]  # feedgen has no types
    """An extension that gives what feedgen has built to a function."""

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
    """Have the function called with the element once feedgen has built it."""
    # feedgen takes a class and calls it without arguments.
    built.register_extension("tributary", lambda: _Finish(function, namespaces or {}))


def start(feed: Feed) -> FeedGenerator:
    """What both formats say about the feed in elements of their own."""
    generator = FeedGenerator()
    generator.id(feed.uri)
    generator.title(feed.title)
    generator.description(feed.description or feed.title)
    generator.language(feed.site.language)
    generator.generator("Tributary")
    return generator


def links(feed: Feed, format: Format) -> list[dict[str, str]]:
    """The addresses around the feed: itself, its hubs, the documents next to it (RFC 5005)."""
    archives = {
        "self": feed.addresses,
        "current": feed.current,
        "prev-archive": feed.previous,
        "next-archive": feed.next,
    }
    found = [
        {"rel": rel, "type": format.media_type, "href": addresses.of(format)}
        for rel, addresses in archives.items()
        if addresses
    ]
    return found + [{"rel": "hub", "href": hub} for hub in feed.site.hubs]


def mark_history(feed: Feed, parent: Element) -> None:
    """Say whether the document is an archive or the complete feed (RFC 5005)."""
    if feed.archived:
        etree.SubElement(parent, f"{{{HISTORY}}}archive")
    elif feed.complete:
        etree.SubElement(parent, f"{{{HISTORY}}}complete")


def has_marks(*texts: str) -> bool:
    """Whether there is anything to spell in the texts."""
    return _MARK.search("".join(texts)) is not None


def spell(built: Element, *tags: str) -> None:
    """Write & and < in these elements as &#x26; and &#x3C;: no reader takes them for markup.

    RSS Advisory Board, Best Practices Profile: a publisher SHOULD encode "&" and "<" as
    hexadecimal character references in character data that is plain text.
    """
    for element in built.iter(*tags):
        first, *rest = _MARK.split(element.text or "")
        element.text = first
        for mark, after in zip(rest[::2], rest[1::2], strict=True):
            reference = etree.Entity(f"#x{ord(mark):X}")
            reference.tail = after
            element.append(reference)


def text_element(tag: str, text: str, attributes: str = "") -> str:
    """An element that holds plain text, spelt likewise; a space comes before each attribute."""
    return f"<{tag}{attributes}>{_spelt(text)}</{tag}>"


def html_element(tag: str, html: str) -> str:
    """An element that holds HTML."""
    escaped = html.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return f"<{tag}>{escaped}</{tag}>"


def quoted(value: str) -> str:
    """The value of an attribute, such as an address, with its quotation marks."""
    return f'"{escape(value)}"'


def quoted_text(text: str) -> str:
    """The value of an attribute that is plain text, spelt likewise, with its quotation marks."""
    return f'"{_spelt(text).replace(_QUOTE, "&quot;")}"'


def related(link: RelatedLink) -> str:
    """The attributes of a related link, in RSS as in Atom."""
    title = quoted_text(link.title)
    return f'rel="related" type="text/html" href={quoted(link.url)} title={title}'


def _spelt(text: str) -> str:
    return text.replace("&", "&#x26;").replace("<", "&#x3C;").replace(">", "&gt;")


class ItemText(NamedTuple):
    """What is written of an item as text."""

    ending: str
    #: A space comes before each.
    attributes: str = ""


def document(built: bytes, tag: str, texts: Iterable[ItemText]) -> bytes:
    """The whole document, from what feedgen built and the text of each of its items."""
    start, end = f"<{tag}>".encode(), f"</{tag}>".encode()
    # Texts are escaped, so that the tags are found nowhere but at the ends of an item.
    *items, rest = built.split(end)
    parts = [_DECLARATION]
    for item, text in zip(items, texts, strict=True):
        if text.attributes:
            item = item.replace(start, f"<{tag}{text.attributes}>".encode(), 1)
        parts += (item, text.ending.encode(), end)
    return b"".join((*parts, rest, b"\n"))
