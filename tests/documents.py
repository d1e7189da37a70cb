"""Documents and items for tests, each of an article or a feed with one difference."""

from typing import Any

from lxml import etree

from feeds.formats import render
from feeds.model import Article, Feed, Format
from tests.builders import (
    addresses,
    article,
    feed,
    image,
    related_link,
)
from tests.document_parsers import (
    atom_entries,
    items,
    json_feed,
    rss_items,
)

MARKS = """AT&T: is List<T> > "all" that's &copy; or &amp; left?"""
URL = "https://news.example.com/a?b=1&copy=2&lt=3"


def rss(*articles: Article, **changes: Any) -> bytes:
    return render(feed(*articles, **changes), Format.RSS)


def atom(*articles: Article, **changes: Any) -> bytes:
    return render(feed(*articles, **changes), Format.ATOM)


def json_(*articles: Article, **changes: Any) -> bytes:
    return render(feed(*articles, **changes), Format.JSON)


def rss_item(**changes: Any) -> etree._Element:
    return rss_items(rss(article(**changes)))[0]


def atom_entry(**changes: Any) -> etree._Element:
    return atom_entries(atom(article(**changes)))[0]


def json_item(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = json_feed(json_(article(**changes)))["items"][0]
    return found


def content_in(format: Format, **changes: Any) -> str:
    return items(render(feed(article(**changes)), format), format)[0].content


def rich() -> Article:
    return article(
        title=MARKS,
        url=URL,
        images=(image(url=URL, title=MARKS), image(url=URL + "&d=4"), image(url=URL + "&e=5")),
        related=(related_link(title=MARKS, url=URL), related_link(title="Second")),
        topics=("R&D", "C++"),
        authors=("Ann <Lee>", "Bo"),
    )


def archive() -> Feed:
    return feed(
        article(),
        addresses=addresses("topics/ai/2020-05"),
        previous=addresses("topics/ai/2020-04"),
        next=addresses("topics/ai/2020-06"),
        current=addresses("topics/ai"),
    )
