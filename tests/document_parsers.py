"""Strict parsers of documents, to plain records that tests compare."""

import json
from dataclasses import dataclass
from typing import Any

from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
DC = "{http://purl.org/dc/elements/1.1/}"
FH = "{http://purl.org/syndication/history/1.0}"
MEDIA = "{http://search.yahoo.com/mrss/}"
SY = "{http://purl.org/rss/1.0/modules/syndication/}"
TOMBSTONES = "{http://purl.org/atompub/tombstones/1.0}"

Element = etree._Element


@dataclass(frozen=True)
class Item:
    """The values of an article that all formats have."""

    id: str
    title: str
    url: str
    content: str
    author: str
    #: The addresses of its images, the lead first.
    pictures: tuple[str, ...]
    related: tuple[tuple[str, str], ...]


def channel(document: bytes) -> Element:
    found = etree.fromstring(document).find("channel")
    assert found is not None
    return found


def rss_items(document: bytes) -> list[Element]:
    return channel(document).findall("item")


def atom_feed(document: bytes) -> Element:
    return etree.fromstring(document)


def atom_entries(document: bytes) -> list[Element]:
    return atom_feed(document).findall(f"{ATOM}entry")


def json_feed(document: bytes) -> Any:
    return json.loads(document)


def links(parent: Element, rel: str) -> list[dict[str, str]]:
    """Return the attributes of the Atom links with a relation."""
    found = [dict(link.attrib) for link in parent.iterchildren(f"{ATOM}link")]
    return [{str(k): str(v) for k, v in link.items()} for link in found if link["rel"] == rel]


def text(parent: Element, path: str) -> str:
    found = parent.findtext(path)
    assert found is not None, path
    return found


def _related(parent: Element) -> tuple[tuple[str, str], ...]:
    return tuple((link["href"], link["title"]) for link in links(parent, "related"))


def _rss(document: bytes) -> list[Item]:
    return [
        Item(
            id=text(item, "guid"),
            title=text(item, "title"),
            url=text(item, "link"),
            content=text(item, f"{CONTENT}encoded"),
            author=text(item, f"{DC}creator"),
            pictures=tuple(str(media.get("url")) for media in item.findall(f"{MEDIA}content")),
            related=_related(item),
        )
        for item in rss_items(document)
    ]


def _atom(document: bytes) -> list[Item]:
    return [
        Item(
            id=text(entry, f"{ATOM}id"),
            title=text(entry, f"{ATOM}title"),
            url=links(entry, "alternate")[0]["href"],
            content=text(entry, f"{ATOM}content"),
            author=text(entry, f"{ATOM}author/{ATOM}name"),
            pictures=tuple(link["href"] for link in links(entry, "enclosure")),
            related=_related(entry),
        )
        for entry in atom_entries(document)
    ]


def _json(document: bytes) -> list[Item]:
    return [
        Item(
            id=item["id"],
            title=item["title"],
            url=item["url"],
            content=item["content_html"],
            author=item["authors"][0]["name"],
            pictures=tuple(each["url"] for each in item.get("attachments", ())),
            related=tuple(
                (link["url"], link["title"]) for link in item.get("_related", {}).get("links", ())
            ),
        )
        for item in json_feed(document)["items"]
    ]


_READERS = {"rss": _rss, "atom": _atom, "json": _json}


def items(document: bytes, format: str) -> list[Item]:
    """Return the items of a document of any format."""
    return _READERS[format](document)
