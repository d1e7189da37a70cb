"""Lists of all feeds, for programs."""

import json
from datetime import UTC, datetime
from typing import Any

from feeds.catalog import Catalog, Listing
from feeds.publisher import Recipe
from feeds.urls import Urls
from feeds.web.headers import CORS, FEED_POLICY
from feeds.web.recipes import digest


def directory_recipe(catalog: Catalog) -> Recipe:
    """The recipe of ``/feeds.json``: every feed with its addresses, count and last change."""
    body = _directory(catalog).encode()
    return Recipe(
        key=digest(body),
        modified=catalog.modified(),
        max_age=catalog.files.site.max_age,
        headers=(("Content-Type", "application/json; charset=utf-8"), *FEED_POLICY, *CORS),
        render=lambda: body,
    )


def _directory(catalog: Catalog) -> str:
    feeds = [_described(listing, catalog.urls) for listing in catalog.listings()]
    found = {"title": catalog.files.site.title, "feeds": feeds}
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


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
        "articles": listing.count,
        "modified": datetime.fromtimestamp(listing.modified, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
