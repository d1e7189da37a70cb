"""The related links of an article."""

from collections.abc import Iterator

from feeds.articles.fields import ABSENT, Note, limited, link, places, weight, words
from feeds.articles.links import key
from feeds.articles.yaml_tree import Node
from feeds.model import RelatedLink

#: Related links of one article.
MAX_RELATED = 20


def related(node: Node, where: str, own: str, note: Note) -> tuple[RelatedLink, ...]:
    """Return the related links in order, without duplicates and the article's own address."""
    return limited(_distinct(_usable(node, where, note), own), MAX_RELATED, _weight, where, note)


def _usable(node: Node, where: str, note: Note) -> Iterator[RelatedLink]:
    for place, item in places(node, where):
        fields = item.mapping(place)
        title = words(fields, "title", where=f"{place}.")
        url, found = link(fields, f"{place}.")
        provider = fields.get("provider", ABSENT).mapping(f"{place}.provider")
        name = words(provider, "name", where=f"{place}.provider.")
        if not title:
            note(f"{place}.title: missing: left out")
        elif url is None:
            note(f"{place}.{found or 'webUrl'}: not an http(s) address: left out")
        else:
            yield RelatedLink(title, url, name)


def _distinct(links: Iterator[RelatedLink], own: str) -> Iterator[RelatedLink]:
    seen = {key(own)}
    for candidate in links:
        if (page := key(candidate.url)) not in seen:
            seen.add(page)
            yield candidate


def _weight(candidate: RelatedLink) -> int:
    return weight(candidate.title, candidate.url, candidate.provider)
