"""Plans of documents: the key, computed cheaply from the index, and how to render them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import Any

import msgspec

from feeds import formats
from feeds.catalog import Catalog
from feeds.deltas import DocumentHistory
from feeds.documents import DocumentPlan
from feeds.errors import NoDelta
from feeds.model import FeedId, Format
from feeds.selection import Selection
from feeds.urls import Target, is_custom
from feeds.web.headers import CORS, FEED_POLICY, NOINDEX
from feeds.web.page_rendering import version

#: Seconds: an archive document hardly ever changes (docs/requirements.md 79).
ARCHIVE_MAX_AGE = 86_400


def feed_plan(
    catalog: Catalog, history: DocumentHistory, id: FeedId, format: Format
) -> DocumentPlan:
    """Return the plan of a feed in a format; raise as Catalog.select does."""
    selection = _selected(catalog, id, format)
    key = _key(catalog, selection, format)
    if id.month is None:
        history.remember(Target(id, format), key, selection)
    render = partial(_render, catalog, history, selection, format, key)
    return _plan(catalog, selection, format, key, render)


def delta_plan(
    catalog: Catalog, history: DocumentHistory, id: FeedId, format: Format, base: str
) -> DocumentPlan:
    """Return the plan of the items that are new in a feed since the document with key ``base``.

    Raise NoDelta if the history has lost that document or if it shares too few items with the
    current one; raise as Catalog.select does. Archives change too seldom to have a history.
    """
    held = history.items_of(Target(id, format), base)
    if held is None:
        raise NoDelta(base)
    selection = _selected(catalog, id, format)
    part = history.since(held, selection)
    if part is None:
        raise NoDelta(base)
    whole = _key(catalog, selection, format)
    render = partial(_render_delta, catalog, part, format)
    plan = _plan(catalog, part, format, digest(base, whole), render)
    return replace(plan, base_key=whole)


def _selected(catalog: Catalog, id: FeedId, format: Format) -> Selection:
    """Return the selection of a feed, with withdrawals only for Atom, which can express them."""
    selection = catalog.select(id)
    return selection if format is Format.ATOM else replace(selection, withdrawn=())


def _key(catalog: Catalog, selection: Selection, format: Format) -> str:
    return digest(selection.fingerprint, catalog.files.fingerprint, formats.VERSION, format)


def _plan(
    catalog: Catalog,
    selection: Selection,
    format: Format,
    key: str,
    render: Callable[[], bytes],
) -> DocumentPlan:
    site, id = catalog.files.site, selection.id
    own = () if is_custom(id) else _hub_links(site.hubs, catalog.urls.feed(id, format))
    return DocumentPlan(
        key=key,
        modified=selection.modified,
        changed=selection.changed,
        max_age=ARCHIVE_MAX_AGE if id.month else site.max_age,
        headers=(
            ("Content-Type", formats.content_type(format)),
            *own,
            *(NOINDEX if is_custom(id) else ()),
            *FEED_POLICY,
            *CORS,
        ),
        render=render,
        is_custom=is_custom(id),
    )


def site_plan(
    catalog: Catalog,
    key: str,
    headers: tuple[tuple[str, str], ...],
    render: Callable[[], bytes],
    is_custom: bool = False,
) -> DocumentPlan:
    """Return the plan of a page, a box or a list, which may show any feed of the site.

    It therefore has the time of the latest change of the site. Call it inside the snapshot that its
    content comes from: the time of a later change would be sent with two different bodies.
    """
    modified, changed = catalog.last_change()
    return DocumentPlan(
        key,
        modified,
        changed,
        catalog.files.site.max_age,
        headers,
        render,
        is_custom=is_custom,
    )


def list_plan(catalog: Catalog, facts: Any, type: str, render: Callable[[], bytes]) -> DocumentPlan:
    """Return the plan of a list that shows some facts; call it inside their snapshot."""
    known, files = msgspec.json.encode(facts), catalog.files
    return site_plan(
        catalog,
        key=digest(known, files.fingerprint, version(files.site.language), type),
        headers=(("Content-Type", type), *FEED_POLICY, *CORS),
        render=render,
    )


def page_key(catalog: Catalog, *shown: bytes) -> str:
    """Return the key of a page or a box that shows some facts."""
    files = catalog.files
    return digest(*shown, files.fingerprint, version(files.site.language))


def digest(*parts: bytes | str | int) -> str:
    """Return a hash of the parts and their boundaries."""
    found = blake2b(digest_size=16)
    for part in parts:
        data = part if isinstance(part, bytes) else str(part).encode()
        found.update(len(data).to_bytes(4, "big") + data)
    return found.hexdigest()


def _render(
    catalog: Catalog, history: DocumentHistory, selection: Selection, format: Format, key: str
) -> bytes:
    body = formats.render(catalog.feed(selection), format)
    if selection.id.month is None:
        history.share(Target(selection.id, format), key, selection)
    return body


def _render_delta(catalog: Catalog, part: Selection, format: Format) -> bytes:
    return formats.render(replace(catalog.feed(part), is_delta=True), format)


def _hub_links(hubs: tuple[str, ...], own: str) -> tuple[tuple[str, str], ...]:
    # WebSub, 4: "Link headers: the publisher SHOULD include" hub and self; only with a hub.
    if not hubs:
        return ()
    links = [f'<{hub}>; rel="hub"' for hub in hubs] + [f'<{own}>; rel="self"']
    return (("Link", ", ".join(links)),)
