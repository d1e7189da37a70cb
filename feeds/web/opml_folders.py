"""The OPML of the site and of a topic: which feeds it lists, and in which folders."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from feeds import formats
from feeds.catalog import Catalog
from feeds.documents import DocumentPlan
from feeds.feed_info import FeedInfo
from feeds.formats import Outline
from feeds.languages import language
from feeds.model import FeedId
from feeds.urls import ALL
from feeds.web.document_plans import list_plan
from feeds.web.menu import Menu, MenuEntry, entry, menu

OPML = "text/x-opml; charset=utf-8"


def opml_plan(catalog: Catalog) -> DocumentPlan:
    """Return the plan of ``/feeds.opml``: every feed, in folders.

    A topic with sub-topics is a folder with its own feed and theirs. Topics without sub-topics,
    providers and named feeds share one folder each.
    """
    with catalog.snapshot():
        feed_infos = [feed_info.without_counts for feed_info in catalog.feed_infos()]
        return list_plan(catalog, feed_infos, OPML, partial(_opml, catalog, feed_infos))


def topic_opml_plan(catalog: Catalog, id: FeedId) -> DocumentPlan:
    """Return the plan of the OPML of a topic and sub-topics; raise as Catalog.feed_info does."""
    with catalog.snapshot():
        family = _family(catalog, catalog.feed_info(id))
        feed_infos = [feed_info.without_counts for feed_info in family]
        return list_plan(catalog, feed_infos, OPML, partial(_topic_opml, catalog, feed_infos))


def _family(catalog: Catalog, feed_info: FeedInfo) -> Iterator[FeedInfo]:
    yield feed_info
    for inner in catalog.children(feed_info.id):
        yield from _family(catalog, inner)


def _opml(catalog: Catalog, feed_infos: list[FeedInfo]) -> bytes:
    site, by_id = catalog.files.site, {feed_info.id: feed_info for feed_info in feed_infos}
    found = menu(feed_infos)
    lone = tuple(topic for topic in found.topics if not topic.inside)
    folders = Menu(lone, found.providers, found.feeds).groups(language(site.language))
    outlines = [
        _outline(catalog, by_id[ALL]),
        *(_folder(catalog, by_id, topic) for topic in found.topics if topic.inside),
    ]
    for _, title, entries in folders:
        # Names stand beside their provider: readers handle deeper folders badly.
        inside = tuple(_outline(catalog, by_id[one.id]) for one in _flat(entries))
        outlines.append(Outline(title, inside=inside))
    return formats.opml(site.title, outlines, f"{site.url}/")


def _topic_opml(catalog: Catalog, feed_infos: list[FeedInfo]) -> bytes:
    site, by_id = catalog.files.site, {feed_info.id: feed_info for feed_info in feed_infos}
    own = entry(feed_infos[0])
    found = next(filter(lambda e: e.id == own.id, menu(_rooted(feed_infos)).topics))
    return formats.opml(feed_infos[0].title, [_folder(catalog, by_id, found)], f"{site.url}/")


def _rooted(feed_infos: list[FeedInfo]) -> list[FeedInfo]:
    """Return a family of feeds whose first has no parent."""
    return [replace(feed_infos[0], parent=None), *feed_infos[1:]]


def _folder(catalog: Catalog, by_id: dict[FeedId, FeedInfo], topic: MenuEntry) -> Outline:
    """Return the folder of a topic and its sub-topics, recursively."""
    inner = (
        _folder(catalog, by_id, one) if one.inside else _outline(catalog, by_id[one.id])
        for one in topic.inside
    )
    return Outline(topic.name, inside=(_outline(catalog, by_id[topic.id]), *inner))


def _outline(catalog: Catalog, feed_info: FeedInfo) -> Outline:
    addresses = catalog.urls.addresses(feed_info.id)
    return Outline(
        feed_info.title,
        addresses.rss,
        addresses.page,
        feed_info.description,
        feed_info.shared_language,
    )


def _flat(entries: tuple[MenuEntry, ...]) -> Iterator[MenuEntry]:
    for one in entries:
        yield one
        yield from _flat(one.inside)
