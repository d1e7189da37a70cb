"""Lists of all feeds, for programs."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import msgspec

from feeds import formats
from feeds.catalog import Catalog
from feeds.documents import Recipe
from feeds.formats import Outline
from feeds.listing import Listing
from feeds.model import FeedId
from feeds.urls import ALL, Urls
from feeds.web.headers import CORS, FEED_POLICY
from feeds.web.menu import Entry, entry, menu
from feeds.web.recipes import digest
from feeds.web.rendering import VERSION
from feeds.web.words import iso, shortened

JSON = "application/json; charset=utf-8"
OPML = "text/x-opml; charset=utf-8"
XML = "application/xml; charset=utf-8"
TEXT = "text/plain; charset=utf-8"

#: Feed Menus, 3: "feed-titles be no longer than 50 characters", descriptions "than 140".
_MENU_TITLE, _MENU_DESCRIPTION = 50, 140


def directory_recipe(catalog: Catalog) -> Recipe:
    """The recipe of ``/feeds.json``: every feed with its addresses, count and last change."""
    with catalog.snapshot():
        listings = catalog.listings()
        return _recipe(catalog, listings, JSON, partial(_directory, catalog, listings))


def opml_recipe(catalog: Catalog) -> Recipe:
    """The recipe of ``/feeds.opml``: every feed, in folders.

    A topic with sub-topics is a folder with its own feed and theirs; topics that stand alone,
    providers and named feeds are a folder each.
    """
    with catalog.snapshot():
        listings = [listing.lasting for listing in catalog.listings()]
        return _recipe(catalog, listings, OPML, partial(_opml, catalog, listings))


def group_recipe(catalog: Catalog, id: FeedId) -> Recipe:
    """The recipe of the OPML of a topic and its sub-topics; raises as Catalog.listing does."""
    with catalog.snapshot():
        listings = [listing.lasting for listing in _family(catalog, catalog.listing(id))]
        return _recipe(catalog, listings, OPML, partial(_group, catalog, listings))


def feed_menu_recipe(catalog: Catalog) -> Recipe:
    """The recipe of ``/.well-known/feed-menu.json`` (draft-nottingham-feed-menu-01)."""
    with catalog.snapshot():
        listings = [listing.lasting for listing in catalog.listings()]
        return _recipe(catalog, listings, JSON, partial(_feed_menu, catalog, listings))


def sitemap_recipe(catalog: Catalog) -> Recipe:
    """The recipe of ``/sitemap.xml``: the page of every feed, and of the months of the whole."""
    with catalog.snapshot():
        pages = [(listing.id, listing.newest) for listing in catalog.listings()]
        pages += [(FeedId(ALL.path, month.name), None) for month in catalog.months(ALL)]
        return _recipe(catalog, pages, XML, partial(_sitemap, catalog, pages))


def robots_recipe(catalog: Catalog) -> Recipe:
    """The recipe of ``/robots.txt``: everything but searches and boxes, which repeat the rest."""
    urls = catalog.urls
    home, boxes = urls.local(f"{urls.site}/"), urls.local(urls.at("embed/"))
    lines = ("User-agent: *", f"Disallow: {home}?q=", f"Disallow: {boxes}", "Allow: /", "")
    body = "\n".join((*lines, f"Sitemap: {urls.at('sitemap.xml')}\n")).encode()
    return _recipe(catalog, body.decode(), TEXT, lambda: body)


def _recipe(catalog: Catalog, facts: Any, type: str, render: Callable[[], bytes]) -> Recipe:
    """Return the recipe of what shows some facts.

    Inside the snapshot in which they were read: a later time would be told twice, with two bodies.
    """
    known = msgspec.json.encode(facts)
    modified, changed = catalog.last_change()
    return Recipe(
        key=digest(known, catalog.files.fingerprint, VERSION, type),
        modified=modified,
        changed=changed,
        max_age=catalog.files.site.max_age,
        headers=(("Content-Type", type), *FEED_POLICY, *CORS),
        render=render,
    )


def _family(catalog: Catalog, listing: Listing) -> Iterator[Listing]:
    yield listing
    for inner in catalog.below(listing.id):
        yield from _family(catalog, inner)


def _directory(catalog: Catalog, listings: list[Listing]) -> bytes:
    feeds = [_described(listing, catalog.urls) for listing in listings]
    return _json({"title": catalog.files.site.title, "feeds": feeds})


def _described(listing: Listing, urls: Urls) -> dict[str, Any]:
    addresses = urls.addresses(listing.id)
    return {
        "kind": listing.kind,
        "name": listing.name,
        "title": listing.title,
        "description": listing.description,
        "page": addresses.page,
        "rss": addresses.rss,
        "atom": addresses.atom,
        "json": addresses.json,
        "parent": listing.parent and urls.page(listing.parent),
        "articles": listing.count,
        "newest": listing.newest and iso(listing.newest),
        "modified": iso(listing.modified),
    }


def _opml(catalog: Catalog, listings: list[Listing]) -> bytes:
    site, by_id = catalog.files.site, {listing.id: listing for listing in listings}
    found = menu(listings)
    lone = tuple(topic for topic in found.topics if not topic.inside)
    outlines = [
        _outline(catalog, by_id[ALL]),
        *(_folder(catalog, by_id, topic) for topic in found.topics if topic.inside),
    ]
    for title, entries in (
        ("Topics", lone),
        ("Providers", found.providers),
        ("Selections", found.feeds),
    ):
        # Names lie beside their provider: more folders than one inside another help no reader.
        inside = tuple(_outline(catalog, by_id[one.id]) for one in _flat(entries))
        if inside:
            outlines.append(Outline(title, inside=inside))
    return formats.opml(site.title, outlines, f"{site.url}/")


def _group(catalog: Catalog, listings: list[Listing]) -> bytes:
    site, by_id = catalog.files.site, {listing.id: listing for listing in listings}
    own = entry(listings[0])
    found = next(filter(lambda e: e.id == own.id, menu(_rooted(listings)).topics))
    return formats.opml(listings[0].title, [_folder(catalog, by_id, found)], f"{site.url}/")


def _rooted(listings: list[Listing]) -> list[Listing]:
    """A family of listings, of which the first has nothing above it."""
    return [replace(listings[0], parent=None), *listings[1:]]


def _folder(catalog: Catalog, by_id: dict[FeedId, Listing], topic: Entry) -> Outline:
    """A topic with what is inside it; one that has sub-topics again is a folder again."""
    inner = (
        _folder(catalog, by_id, one) if one.inside else _outline(catalog, by_id[one.id])
        for one in topic.inside
    )
    return Outline(topic.name, inside=(_outline(catalog, by_id[topic.id]), *inner))


def _outline(catalog: Catalog, listing: Listing) -> Outline:
    addresses = catalog.urls.addresses(listing.id)
    return Outline(
        listing.title,
        addresses.rss,
        addresses.page,
        listing.description,
        catalog.files.site.language,
    )


def _flat(entries: tuple[Entry, ...]) -> Iterator[Entry]:
    for one in entries:
        yield one
        yield from _flat(one.inside)


def _feed_menu(catalog: Catalog, listings: list[Listing]) -> bytes:
    by_id = {listing.id: listing for listing in listings}
    whole = _menu_feed(catalog, by_id[ALL])
    found = menu(listings)
    groups = [
        _menu(title, [_menu_item(catalog, by_id, one) for one in entries])
        for _, title, entries in found.groups
    ]
    return _json(_menu(catalog.files.site.title, [whole, *groups]))


def _menu_item(catalog: Catalog, by_id: dict[FeedId, Listing], one: Entry) -> dict[str, Any]:
    own = _menu_feed(catalog, by_id[one.id])
    if not one.inside:
        return own
    return _menu(one.name, [own, *(_menu_item(catalog, by_id, inner) for inner in one.inside)])


def _menu(title: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"feed-menu": shortened(title, _MENU_TITLE), "items": items}


def _menu_feed(catalog: Catalog, listing: Listing) -> dict[str, Any]:
    addresses = catalog.urls.addresses(listing.id)
    return {
        "feed-title": shortened(listing.name, _MENU_TITLE),
        "description": shortened(listing.description, _MENU_DESCRIPTION),
        "rss": addresses.rss,
        "atom": addresses.atom,
    }


def _sitemap(catalog: Catalog, pages: list[tuple[FeedId, int | None]]) -> bytes:
    return formats.sitemap((catalog.urls.page(id), newest) for id, newest in pages)


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
