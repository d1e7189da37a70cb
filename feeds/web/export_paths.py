"""The addresses of all documents of the site, which an export writes."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from urllib.parse import quote, unquote

from feeds.catalog import Catalog
from feeds.errors import MovedFeed, RetiredFeed, UnknownFeed
from feeds.model import FeedId, Format
from feeds.urls import Target, provider_path
from feeds.web.assets import NAMES
from feeds.web.site_routes import FEED_MENU, LISTS


def paths(catalog: Catalog) -> Iterator[str]:
    """Yield the paths of all documents, decoded, each with a leading slash."""
    for address in _addresses(catalog):
        yield unquote(address.removeprefix(catalog.urls.site))


def moved_patterns(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """Yield the pattern of nginx for each old address, with the address that it leads to."""
    for moves in catalog.files.moved.values():
        for move in moves:
            yield move.old.pattern, catalog.urls.target(Target(move.feed, move.format))


def moved(catalog: Catalog) -> Mapping[str, str]:
    """Return the redirects: paths of aliases, encoded, to those of their feeds; each a prefix."""
    return {
        f"/{quote(old)}": f"/{quote(new)}" for old, new in sorted(catalog.files.aliases.items())
    }


def ended(catalog: Catalog) -> list[str]:
    """Return the encoded paths of retired topics and providers; each a prefix."""
    files = catalog.files
    topics = [f"topics/{slug}" for slug, topic in files.topics.items() if topic.retired]
    providers = [provider_path(name) for name, known in files.providers.items() if known.retired]
    return [f"/{quote(path)}" for path in (*topics, *providers)]


def _addresses(catalog: Catalog) -> Iterator[str]:
    urls = catalog.urls
    yield from (urls.at(name) for name in (*LISTS, "embed", "mix") if name != FEED_MENU)
    if catalog.files.menu:
        yield urls.at(FEED_MENU)
    yield from (urls.at(f"static/{name}") for name in NAMES.values())
    for path in catalog.served_paths():
        with suppress(MovedFeed, RetiredFeed, UnknownFeed):
            yield from _of_feed(catalog, FeedId(path))


def _of_feed(catalog: Catalog, feed: FeedId) -> Iterator[str]:
    """Yield the addresses of a feed, its archives, its box, its oEmbed and a topic's OPML."""
    urls, feed_info = catalog.urls, catalog.feed_info(feed)
    yield urls.box(feed_info.id, {})
    yield urls.oembed_document(feed_info.id)
    if feed_info.kind == "topics":
        yield urls.opml(feed_info.id)
    for id in (feed, *_archives(catalog, feed)):
        yield urls.page(id)
        yield from (urls.feed(id, format) for format in Format)


def _archives(catalog: Catalog, feed: FeedId) -> Iterator[FeedId]:
    for month in catalog.months(feed):
        yield from (part.id for part in catalog.selections(FeedId(feed.path, month.name)))
