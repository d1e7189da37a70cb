"""Recipes of documents: what decides their bytes, cheaply, and how to render them."""

from functools import partial
from hashlib import blake2b

from feeds import formats
from feeds.catalog import Catalog
from feeds.model import FeedId, Format
from feeds.publisher import Recipe
from feeds.selection import Selection
from feeds.web.headers import CORS, FEED_POLICY

#: Seconds: an archive document hardly ever changes (CONSUMERS 79).
ARCHIVE_MAX_AGE = 86_400


def feed_recipe(catalog: Catalog, id: FeedId, format: Format) -> Recipe:
    """The recipe of a feed in a format; raises as Catalog.select does."""
    selection = catalog.select(id)
    site = catalog.files.site
    return Recipe(
        key=digest(selection.fingerprint, catalog.files.fingerprint, formats.version(), format),
        modified=selection.modified,
        max_age=ARCHIVE_MAX_AGE if id.month else site.max_age,
        headers=(
            ("Content-Type", formats.content_type(format)),
            *_hub_links(site.hubs, catalog.urls.feed(id, format)),
            *FEED_POLICY,
            *CORS,
        ),
        render=partial(_render, catalog, selection, format),
    )


def digest(*parts: bytes | str) -> str:
    """A short name for what is made of these parts."""
    found = blake2b(digest_size=16)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        found.update(len(data).to_bytes(4, "big") + data)
    return found.hexdigest()


def _render(catalog: Catalog, selection: Selection, format: Format) -> bytes:
    return formats.render(catalog.feed(selection), format)


def _hub_links(hubs: tuple[str, ...], own: str) -> tuple[tuple[str, str], ...]:
    # WebSub, 4: "Link headers: the publisher SHOULD include" hub and self; only with a hub.
    if not hubs:
        return ()
    links = [f'<{hub}>; rel="hub"' for hub in hubs] + [f'<{own}>; rel="self"']
    return (("Link", ", ".join(links)),)
