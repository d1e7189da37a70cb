"""OPML 2.0, http://opml.org/spec2.opml: a list of feeds that any reader can import."""

from collections.abc import Iterable
from dataclasses import dataclass

from lxml.etree import Element, SubElement, _Element, tostring


@dataclass(frozen=True, slots=True)
class Outline:
    """A feed, or a folder of feeds if it has no address."""

    text: str
    #: The address of the RSS feed.
    feed: str = ""
    #: The page of the feed.
    page: str = ""
    description: str = ""
    #: The language of the feed: BCP 47.
    language: str = ""
    inside: tuple["Outline", ...] = ()


def render(title: str, outlines: Iterable[Outline], home: str) -> bytes:
    """Render the outlines as a document.

    The head has no dates: readers poll the list for new and ended feeds, and its bytes must stay
    the same until there are any.
    """
    root = Element("opml", version="2.0")
    head = SubElement(root, "head")
    SubElement(head, "title").text = title
    # OPML 2.0: "ownerId is the http address of a web page that contains information that allows a
    # human reader to communicate with the author of the document".
    SubElement(head, "ownerId").text = home
    body = SubElement(root, "body")
    for outline in outlines:
        _add(body, outline)
    return tostring(root, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def _add(parent: _Element, outline: Outline) -> None:
    element = SubElement(parent, "outline", text=outline.text)
    if outline.feed:
        # Some readers show "text" and some "title". Only a feed has both: the W3C validator wants
        # a type for every outline with a title, and a folder has none.
        element.set("title", outline.text)
        element.set("type", "rss")
        element.set("version", "RSS2")
        element.set("xmlUrl", outline.feed)
        element.set("htmlUrl", outline.page)
    for name in ("description", "language"):
        if value := getattr(outline, name):
            element.set(name, value)
    for inner in outline.inside:
        _add(element, inner)
