"""The pages for people: of the whole, of every feed and of every month of one.

A page's key is made of what it shows, known from the index; the articles are read to render it.
"""

from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from urllib.parse import quote

import msgspec

from feeds.catalog import Catalog
from feeds.documents import DocumentPlan
from feeds.model import FeedId
from feeds.selection import Selection
from feeds.urls import ALL
from feeds.web import template_filters, views
from feeds.web.document_plans import digest
from feeds.web.headers import PAGE_POLICY
from feeds.web.menu import Menu, MenuEntry, entry, menu, search
from feeds.web.rendering import render, version

HTML = "text/html; charset=utf-8"

#: Articles that a page shows at length. Those after them are on the pages of the feed's months,
#: and there, in a large month, by their titles.
ARTICLES = 50

#: Articles on the page of the whole, which has the names of all feeds above them.
NEWEST = 20

#: Characters of a search that are looked at.
QUERY = 100


@dataclass(frozen=True, slots=True)
class _MonthLink:
    """A month in the list of all months."""

    name: str
    count: int
    href: str


@dataclass(frozen=True, slots=True)
class _Shown:
    """All that a page shows besides the articles: it decides the page's key with them."""

    entry: MenuEntry
    description: str
    #: Months that hold articles, newest first, and how many.
    months: tuple[tuple[str, int], ...]
    above: tuple[MenuEntry, ...]
    below: tuple[MenuEntry, ...]
    #: On the page of the whole.
    menu: Menu | None
    more: bool


def page_plan(catalog: Catalog, id: FeedId) -> DocumentPlan:
    """The plan of the page of a feed or of a month; raises as Catalog.select does."""
    with catalog.snapshot():
        whole = catalog.select(id)
        count = NEWEST if id == ALL else ARTICLES
        selection = whole if id.month else replace(whole, rows=whole.rows[:count])
        shown = _shown(catalog, id, more=len(whole.rows) > len(selection.rows))
        modified, changed = catalog.last_change()
    facts = msgspec.json.encode(shown)
    return DocumentPlan(
        key=digest(selection.fingerprint, facts, catalog.files.fingerprint, version()),
        # A page shows more than its own feed: the latest change allow_any is never too early.
        modified=modified,
        changed=changed,
        max_age=catalog.files.site.max_age,
        headers=(("Content-Type", HTML), ("Link", _links(catalog, id)), *PAGE_POLICY),
        render=partial(_render, catalog, selection, shown),
    )


def search_plan(catalog: Catalog, query: str) -> DocumentPlan:
    """The plan of the page of the whole with the feeds that a search finds, and no articles."""
    query = query[:QUERY]
    with catalog.snapshot():
        whole = menu(catalog.feed_infos())
        modified, changed = catalog.last_change()
    found = search(whole, query)
    facts = msgspec.json.encode((query, whole.size, found))
    return DocumentPlan(
        key=digest(facts, catalog.files.fingerprint, version()),
        modified=modified,
        changed=changed,
        max_age=catalog.files.site.max_age,
        headers=(("Content-Type", HTML), ("X-Robots-Tag", "noindex"), *PAGE_POLICY),
        render=partial(_render_search, catalog, query, found),
    )


def _shown(catalog: Catalog, id: FeedId, more: bool) -> _Shown:
    feed_info = catalog.feed_info(id)
    return _Shown(
        entry=entry(feed_info),
        description=feed_info.description,
        months=tuple((month.name, month.count) for month in catalog.months(id)),
        above=tuple(map(entry, catalog.above(feed_info))),
        below=tuple(map(entry, catalog.below(feed_info.id))),
        menu=menu(catalog.feed_infos()) if id == ALL else None,
        more=more,
    )


def _links(catalog: Catalog, id: FeedId) -> str:
    feed = FeedId(id.path)
    return views.link_header(views.feed_links("", catalog.urls.addresses(feed)))


def _render(catalog: Catalog, selection: Selection, shown: _Shown) -> bytes:
    files, urls, id = catalog.files, catalog.urls, selection.id
    feed = catalog.feed(selection)
    name, current = shown.entry.name, FeedId(id.path)
    addresses = urls.addresses(current)
    month = template_filters.month(id.month, id.part) if id.month else ""
    articles = views.articles(feed, urls)
    return render(
        "home.html" if id == ALL else "feed.html",
        frame=views.frame(files.site, urls),
        local=partial(_local, catalog),
        query=None,
        menu=shown.menu,
        entry=shown.entry,
        heading=name if current != ALL else files.site.title,
        month=month,
        title=_title(catalog, selection, shown),
        description=shown.description,
        canonical=urls.page(id),
        feed_links=views.feed_links(name, addresses),
        oembed=urls.oembed(current),
        readers=views.readers(addresses.rss),
        picture=selection.image if current != ALL else None,
        updated=selection.updated if selection.rows else None,
        articles=articles[:ARTICLES],
        more=articles[ARTICLES:],
        above=shown.above,
        below=shown.below,
        years=_years(catalog, id, shown.months),
        older=_neighbour(catalog, _following(selection, shown)),
        newer=_neighbour(catalog, selection.next),
        current=urls.local(addresses.page) if id.month else "",
        embed=f"{urls.local(urls.at('embed'))}?feed={quote(current.path)}",
    )


def _render_search(catalog: Catalog, query: str, found: Menu) -> bytes:
    site, urls = catalog.files.site, catalog.urls
    return render(
        "search.html",
        frame=views.frame(site, urls),
        local=partial(_local, catalog),
        query=query,
        menu=found,
        feed_links=(),
        oembed="",
        title=f"Feeds with “{query}” — {site.title}",
        description=site.description,
        canonical=f"{site.url}/",
        picture=None,
    )


def _local(catalog: Catalog, id: FeedId) -> str:
    return catalog.urls.local(catalog.urls.page(id))


def _title(catalog: Catalog, selection: Selection, shown: _Shown) -> str:
    site, id = catalog.files.site, selection.id
    said = template_filters.month(id.month, id.part) if id.month else ""
    own = shown.entry.name if id.path != ALL.path else ""
    return " — ".join(part for part in (said, own, site.title) if part)


def _years(
    catalog: Catalog, id: FeedId, months: tuple[tuple[str, int], ...]
) -> tuple[tuple[str, tuple[_MonthLink, ...]], ...]:
    """The months of a feed, newest first, in their years."""
    links = (
        _MonthLink(name, count, _local(catalog, FeedId(id.path, name))) for name, count in months
    )
    return tuple((year, tuple(group)) for year, group in groupby(links, lambda m: m.name[:4]))


def _following(selection: Selection, shown: _Shown) -> FeedId | None:
    """The archive page that goes on where the page ends."""
    if shown.more:
        return FeedId(selection.id.path, template_filters.iso(selection.rows[-1].published)[:7])
    return selection.previous


def _neighbour(catalog: Catalog, id: FeedId | None) -> views.Link | None:
    """The archive page before or after."""
    if id is None or id.month is None:
        return None
    return views.Link(template_filters.month(id.month, id.part), _local(catalog, id))
