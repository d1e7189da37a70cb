"""HTML pages: the home page, the page of each feed and of each month of a feed, and the search.

The key of a page is a hash of what it shows, known from the index; only rendering reads articles.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from urllib.parse import quote

import msgspec

from feeds import formats
from feeds.catalog import Catalog
from feeds.documents import DocumentPlan
from feeds.errors import IndexUnavailable
from feeds.languages import language, marked
from feeds.mixes import is_domain
from feeds.model import FeedId
from feeds.searches import Search
from feeds.selection import Selection
from feeds.urls import ALL, is_custom
from feeds.web import view_models
from feeds.web.document_plans import page_key, site_plan
from feeds.web.headers import NOINDEX, PAGE_POLICY
from feeds.web.menu import Menu, MenuEntry, entry, menu, search
from feeds.web.page_rendering import render

HTML = "text/html; charset=utf-8"

#: Articles that a page shows with excerpts. The pages of months hold the older articles; a large
#: month lists the rest by title.
ARTICLES = 50

#: Articles on the home page, which lists all feeds above them.
NEWEST = 20

#: Longest search query, in characters; the rest is cut off.
QUERY = 100


@dataclass(frozen=True, slots=True)
class _MonthLink:
    """A link to a month."""

    name: str
    count: int
    href: str


@dataclass(frozen=True, slots=True)
class _Shown:
    """All that a page shows except the articles; both make up the key of the page."""

    entry: MenuEntry
    description: str
    #: The language of the description.
    language: str
    #: Months and their numbers of articles, newest first.
    months: tuple[tuple[str, int], ...]
    above: tuple[MenuEntry, ...]
    below: tuple[MenuEntry, ...]
    #: Articles a week.
    weekly: float | None
    #: On the home page only.
    menu: Menu | None
    more: bool


@dataclass(frozen=True, slots=True)
class _Found:
    """The results of a search."""

    query: str
    feeds: Menu
    #: None if there is a fault.
    articles: Selection | None
    #: The message about why articles are not searched, or the empty text.
    fault: str


def page_plan(catalog: Catalog, id: FeedId) -> DocumentPlan:
    """Return the plan of the page of a feed or of a month; raise as Catalog.select does."""
    with catalog.snapshot():
        whole = catalog.select(id)
        count = NEWEST if id == ALL else ARTICLES
        selection = whole if id.month else replace(whole, rows=whole.rows[:count])
        shown = _shown(catalog, whole, is_cut=len(whole.rows) > len(selection.rows))
        return site_plan(
            catalog,
            key=page_key(catalog, selection.fingerprint, msgspec.json.encode(shown)),
            headers=(
                ("Content-Type", HTML),
                ("Link", _links(catalog, id)),
                *(NOINDEX if is_custom(id) else ()),
                *PAGE_POLICY,
            ),
            render=partial(_render, catalog, selection, shown),
            is_custom=is_custom(id),
        )


def search_plan(catalog: Catalog, query: str) -> DocumentPlan:
    """Return the plan of the page of the feeds and the articles that match a search."""
    query = query[:QUERY]
    requested = Search.of(query)
    with catalog.snapshot():
        whole = menu(catalog.feed_infos(), _search_terms(catalog))
        feeds = search(whole, query)
        articles, fault = _found_articles(catalog, requested)
        found = _Found(query, feeds, articles, fault)
        fingerprint = articles.fingerprint if articles else fault.encode()
        return site_plan(
            catalog,
            key=page_key(catalog, msgspec.json.encode((query, whole.size, feeds)), fingerprint),
            headers=(("Content-Type", HTML), *NOINDEX, *PAGE_POLICY),
            render=partial(_render_search, catalog, found),
        )


def _found_articles(catalog: Catalog, requested: Search) -> tuple[Selection | None, str]:
    """Return the newest articles that match a search, or the message that says why there is none.

    An index of an older version finds feeds before it finds articles.
    """
    if requested.fault:
        return None, requested.fault
    try:
        articles = catalog.select(FeedId(requested.path))
    except IndexUnavailable:
        return None, marked("The problem is on our side. Try again in a minute.")
    return replace(articles, rows=articles.rows[:NEWEST]), ""


def _shown(catalog: Catalog, whole: Selection, is_cut: bool) -> _Shown:
    id = whole.id
    feed_info = catalog.feed_info(id)
    own = entry(feed_info)
    return _Shown(
        # The articles that a custom feed leaves out are not counted.
        entry=replace(own, count=len(whole.rows)) if is_custom(id) else own,
        description=feed_info.description,
        language=feed_info.language,
        months=tuple((month.name, month.count) for month in catalog.months(id)),
        above=tuple(map(entry, catalog.ancestors(feed_info))),
        below=tuple(map(entry, catalog.children(feed_info.id))),
        weekly=None if id.month else catalog.weekly(id),
        menu=menu(catalog.feed_infos(), _search_terms(catalog)) if id == ALL else None,
        more=is_cut and not is_custom(id),
    )


def _search_terms(catalog: Catalog) -> dict[str, str]:
    """Return the aliases and descriptions that the site's files give to feeds, by path."""
    files = catalog.files
    found: defaultdict[str, list[str]] = defaultdict(list)
    for alias, path in sorted(files.aliases.items()):
        found[path].append(alias.partition("/")[2].replace("-", " "))
    for slug, topic in files.topics.items():
        found[f"topics/{slug}"].append(topic.description)
    for name, feed in files.feeds.items():
        found[f"feeds/{name}"].append(feed.description)
    return {path: " ".join(filter(None, texts)) for path, texts in found.items()}


def _links(catalog: Catalog, id: FeedId) -> str:
    feed = FeedId(id.path)
    return view_models.link_header(view_models.feed_links("", catalog.urls.addresses(feed)))


def _render(catalog: Catalog, selection: Selection, shown: _Shown) -> bytes:
    files, urls, id = catalog.files, catalog.urls, selection.id
    feed = catalog.feed(selection)
    name, current = shown.entry.name, FeedId(id.path)
    addresses = urls.addresses(current)
    articles = view_models.articles(feed, urls, language(files.site.language))
    return render(
        "home.html" if id == ALL else "feed.html",
        frame=view_models.frame(replace(files.site, rights=feed.site.rights), urls),
        local=partial(_local, catalog),
        query=None,
        menu=shown.menu,
        entry=shown.entry,
        heading=name if current != ALL else files.site.title,
        month=_month(catalog, id),
        title=_title(catalog, selection, shown),
        description=shown.description,
        described_in=shown.language,
        canonical="" if is_custom(id) else urls.page(id),
        feed_links=view_models.feed_links(name, addresses),
        oembed=urls.oembed(current),
        readers=view_models.readers(addresses.rss),
        picture=selection.image if current != ALL else None,
        updated=selection.updated if selection.rows else None,
        weekly=shown.weekly,
        articles=articles[:ARTICLES],
        more=articles[ARTICLES:],
        above=shown.above,
        below=shown.below,
        years=_years(catalog, id, shown.months),
        older=_neighbour(catalog, _following(selection, shown)),
        newer=_neighbour(catalog, selection.next),
        current=urls.local(addresses.page) if id.month else "",
        embed=f"{urls.local(urls.at('embed'))}?feed={quote(current.path)}",
        combine=_combine(catalog, current),
    )


def _combine(catalog: Catalog, id: FeedId) -> str:
    """Return the address at which a topic, a provider or a mix is combined with other feeds."""
    kind, _, name = id.path.partition("/")
    # Without a dot, a mix would take a provider for a topic.
    can_be_mixed = kind in ("topics", "mix") or (kind == "providers" and is_domain(name))
    return (
        f"{catalog.urls.local(catalog.urls.at('mix'))}?with={quote(name)}" if can_be_mixed else ""
    )


def _render_search(catalog: Catalog, found: _Found) -> bytes:
    site, urls, articles = catalog.files.site, catalog.urls, found.articles
    written = language(site.language)
    gettext = written.gettext
    heading = gettext("Search results for “%(query)s”", query=found.query)
    links = view_models.feed_links(found.query, urls.addresses(articles.id)) if articles else ()
    return render(
        "search.html",
        frame=view_models.frame(site, urls),
        heading=heading,
        local=partial(_local, catalog),
        query=found.query,
        menu=found.feeds,
        articles=view_models.articles(catalog.feed(articles), urls, written) if articles else (),
        more=_local(catalog, articles.id) if articles else "",
        fault=found.fault and gettext(found.fault),
        feed_links=links,
        title=f"{heading} — {site.title}",
        description=heading,
        canonical=f"{site.url}/",
    )


def _local(catalog: Catalog, id: FeedId) -> str:
    return catalog.urls.local(catalog.urls.page(id))


def _title(catalog: Catalog, selection: Selection, shown: _Shown) -> str:
    site, id = catalog.files.site, selection.id
    own = shown.entry.name if id.path != ALL.path else ""
    return " — ".join(part for part in (_month(catalog, id), own, site.title) if part)


def _years(
    catalog: Catalog, id: FeedId, months: tuple[tuple[str, int], ...]
) -> tuple[tuple[str, tuple[_MonthLink, ...]], ...]:
    """Return links to the months of a feed, newest first, grouped by year."""
    links = (
        _MonthLink(name, count, _local(catalog, FeedId(id.path, name))) for name, count in months
    )
    return tuple((year, tuple(group)) for year, group in groupby(links, lambda m: m.name[:4]))


def _following(selection: Selection, shown: _Shown) -> FeedId | None:
    """Return the archive page that continues where this page ends."""
    if shown.more:
        return FeedId(selection.id.path, formats.rfc3339(selection.rows[-1].published)[:7])
    return selection.previous


def _neighbour(catalog: Catalog, id: FeedId | None) -> view_models.Link | None:
    """Return a link to an archive page before or after."""
    if id is None or id.month is None:
        return None
    return view_models.Link(_month(catalog, id), _local(catalog, id))


def _month(catalog: Catalog, id: FeedId) -> str:
    """Return the month of an archive in words; the empty text for a feed."""
    return language(catalog.files.site.language).month(id.month, id.part) if id.month else ""
