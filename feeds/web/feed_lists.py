"""Lists of feeds for programs: all feeds as JSON, and the feed menu that the site chose."""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from feeds import formats
from feeds.catalog import Catalog
from feeds.documents import DocumentPlan
from feeds.errors import MovedFeed, RetiredFeed, UnknownFeed
from feeds.feed_info import FeedInfo
from feeds.languages import language
from feeds.model import FeedId
from feeds.plain_text import shorten
from feeds.urls import ALL, Urls
from feeds.web.document_plans import list_plan
from feeds.web.menu import MenuEntry, menu

JSON = "application/json; charset=utf-8"

#: Feed Menus, 3: "feed-titles be no longer than 50 characters", descriptions "than 140".
_MENU_TITLE, _MENU_DESCRIPTION = 50, 140


def directory_plan(catalog: Catalog) -> DocumentPlan:
    """Return the plan of ``/feeds.json``: every feed with addresses, count and last change."""
    with catalog.snapshot():
        feed_infos, weekly = catalog.feed_infos(), catalog.all_weekly()
        render = partial(_directory, catalog, feed_infos, weekly)
        return list_plan(catalog, (feed_infos, weekly), JSON, render)


def feed_menu_plan(catalog: Catalog) -> DocumentPlan:
    """Return the plan of ``/.well-known/feed-menu.json`` (draft-nottingham-feed-menu-01).

    It holds the feeds that the site chose for it. Raise UnknownFeed if the site chose none:
    "software SHOULD NOT automatically create a feed menu".
    """
    if not catalog.files.menu:
        raise UnknownFeed
    with catalog.snapshot():
        feed_infos = list(_chosen(catalog))
        return list_plan(catalog, feed_infos, JSON, partial(_feed_menu, catalog, feed_infos))


def _directory(catalog: Catalog, feed_infos: list[FeedInfo], weekly: Mapping[str, float]) -> bytes:
    feeds = [
        _described(feed_info, catalog.urls, weekly.get(feed_info.id.path))
        for feed_info in feed_infos
    ]
    return _json({"title": catalog.files.site.title, "feeds": feeds})


def _described(feed_info: FeedInfo, urls: Urls, weekly: float | None) -> dict[str, Any]:
    addresses = urls.addresses(feed_info.id)
    return {
        "kind": feed_info.kind,
        "name": feed_info.name,
        "title": feed_info.title,
        "description": feed_info.description,
        "page": addresses.page,
        "rss": addresses.rss,
        "atom": addresses.atom,
        "json": addresses.json,
        "parent": feed_info.parent and urls.page(feed_info.parent),
        "articles": feed_info.count,
        "weekly": weekly and round(weekly, 1),
        "newest": feed_info.newest and formats.rfc3339(feed_info.newest),
        "modified": formats.rfc3339(feed_info.modified),
    }


def _chosen(catalog: Catalog) -> Iterator[FeedInfo]:
    """Yield the feeds that the site chose for its menu, each once, if there are such feeds."""
    for path in dict.fromkeys(catalog.files.menu):
        with suppress(MovedFeed, RetiredFeed, UnknownFeed):
            yield catalog.feed_info(FeedId(path)).without_counts


def _feed_menu(catalog: Catalog, feed_infos: list[FeedInfo]) -> bytes:
    by_id = {feed_info.id: feed_info for feed_info in feed_infos}
    all_articles = [_menu_feed(catalog, by_id[ALL])] if ALL in by_id else []
    found = menu(feed_infos)
    groups = [
        _menu(title, [_menu_item(catalog, by_id, one) for one in entries])
        for _, title, entries in found.groups(language(catalog.files.site.language))
    ]
    return _json(_menu(catalog.files.site.title, [*all_articles, *groups]))


def _menu_item(catalog: Catalog, by_id: dict[FeedId, FeedInfo], one: MenuEntry) -> dict[str, Any]:
    own = _menu_feed(catalog, by_id[one.id])
    if not one.inside:
        return own
    return _menu(one.name, [own, *(_menu_item(catalog, by_id, inner) for inner in one.inside)])


def _menu(title: str, items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"feed-menu": shorten(title, _MENU_TITLE), "items": items}


def _menu_feed(catalog: Catalog, feed_info: FeedInfo) -> dict[str, Any]:
    addresses = catalog.urls.addresses(feed_info.id)
    return {
        "feed-title": shorten(feed_info.name, _MENU_TITLE),
        "description": shorten(feed_info.description, _MENU_DESCRIPTION),
        "rss": addresses.rss,
        "atom": addresses.atom,
    }


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
