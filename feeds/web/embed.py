"""Snippets for other sites: links, a box for an iframe, oEmbed, and the page that offers them."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

import msgspec

from feeds.catalog import Catalog
from feeds.documents import DocumentPlan
from feeds.errors import MovedFeed, RetiredFeed, UnknownFeed
from feeds.feed_info import FeedInfo
from feeds.formats import escape
from feeds.languages import Language, language
from feeds.model import FeedId
from feeds.selection import Selection
from feeds.urls import ALL, is_custom, read_feed
from feeds.web import view_models
from feeds.web.document_plans import digest, page_key, site_plan
from feeds.web.headers import BOX_POLICY, CORS, FEED_POLICY, NOINDEX, PAGE_POLICY
from feeds.web.menu import Menu, MenuEntry, menu
from feeds.web.page_rendering import render
from feeds.web.pages import HTML

COUNTS = (1, 2, 3, 4, 5, 10, 20)
THEMES = ("auto", "light", "dark")

#: Pixels: the space around the articles, and the height of one article in the style sheet.
_AROUND, _WITH_IMAGE, _WITHOUT_IMAGE = 104, 105, 83
_WIDTH, _MAX_WIDTH, _MAX_HEIGHT = 480, 1000, 10_000

#: Pixels: a narrower box has no room for images beside the text.
_MIN_WIDTH_WITH_IMAGES = 240


@dataclass(frozen=True, slots=True)
class Options:
    """The look of a box; so few combinations that each may be cached."""

    count: int = 5
    pictures: bool = True
    theme: str = "auto"

    @property
    def query(self) -> dict[str, str]:
        """The options that differ from the default, as query parameters."""
        chosen = {
            "count": str(self.count),
            "pictures": "yes" if self.pictures else "no",
            "theme": self.theme,
        }
        return {name: value for name, value in chosen.items() if value != _DEFAULT[name]}

    @property
    def height(self) -> int:
        """The height of the iframe in pixels."""
        return _AROUND + self.count * (_WITH_IMAGE if self.pictures else _WITHOUT_IMAGE)


@dataclass(frozen=True, slots=True)
class Box:
    """The target of the address of a box."""

    feed: FeedId
    options: Options = Options()

    def __str__(self) -> str:
        """Return the path and the query of the box."""
        query = urlencode(self.options.query)
        return f"/embed/{self.feed.path}{'?' if query else ''}{query}"


_DEFAULT = {"count": "5", "pictures": "yes", "theme": "auto"}


def options(query: Mapping[str, str]) -> Options:
    """Return the options of a query; unknown values count as absent."""
    count, theme = query.get("count", ""), query.get("theme", "")
    return Options(
        count=int(count) if count in map(str, COUNTS) else Options().count,
        pictures=query.get("pictures") != "no",
        theme=theme if theme in THEMES else "auto",
    )


def box_plan(catalog: Catalog, id: FeedId, chosen: Options) -> DocumentPlan:
    """Return the plan of a box; raise as Catalog.select does."""
    with catalog.snapshot():
        selection, feed_info = catalog.select(id), catalog.feed_info(id)
        # Only the content of a box decides its key.
        rows = selection.rows[: chosen.count]
        shown = replace(selection, rows=rows, previous=None, withdrawn=(), updated=0)
        facts = msgspec.json.encode((feed_info.name, chosen))
        return site_plan(
            catalog,
            key=page_key(catalog, shown.fingerprint, facts),
            headers=(("Content-Type", HTML), *NOINDEX, *BOX_POLICY),
            render=partial(_render_box, catalog, feed_info, shown, chosen),
            is_custom=is_custom(id),
        )


def chooser_plan(catalog: Catalog, path: str, chosen: Options) -> DocumentPlan:
    """Return the plan of the page of snippets; an unknown feed counts as ``/all``."""
    with catalog.snapshot():
        feed_infos = [feed_info.without_counts for feed_info in catalog.feed_infos()]
        listed = next((found for found in feed_infos if found.id.path == path), None)
        feed_info = listed or _unlisted(catalog, path) or feed_infos[0]
        all_feeds = menu(feed_infos)
        facts = msgspec.json.encode((feed_info.id, feed_info.name, chosen, all_feeds))
        return site_plan(
            catalog,
            key=page_key(catalog, facts),
            headers=(("Content-Type", HTML), *PAGE_POLICY),
            render=partial(_render_chooser, catalog, feed_info, all_feeds, chosen),
        )


def _unlisted(catalog: Catalog, path: str) -> FeedInfo | None:
    """Return the feed with a path that lists leave out: a mix, a search, a small topic."""
    id = read_feed(path)
    with suppress(UnknownFeed, MovedFeed, RetiredFeed):
        return catalog.feed_info(id) if id and id.month is None else None
    return None


def oembed_plan(
    catalog: Catalog, id: FeedId, width: int | None = None, height: int | None = None
) -> DocumentPlan:
    """Return the plan of an oEmbed response; raise as Catalog.select does.

    The box respects the limits of the consumer and has exactly the size that the response gives.
    """
    with catalog.snapshot():
        feed_info, articles = catalog.feed_info(id), len(catalog.select(id).rows)
        across = min(width or _WIDTH, _MAX_WIDTH)
        chosen = _fitting(articles, across, height or _MAX_HEIGHT)
        down = min(chosen.height, height or _MAX_HEIGHT)
        body = (json.dumps(_oembed(catalog, feed_info, chosen, across, down)) + "\n").encode()
        return site_plan(
            catalog,
            key=digest(body),
            headers=(("Content-Type", "application/json; charset=utf-8"), *FEED_POLICY, *CORS),
            render=lambda: body,
        )


def _fitting(articles: int, width: int, height: int) -> Options:
    """Return the largest box, up to the default one, that fits and that the articles fill.

    The box keeps its height when the feed gets more articles.
    """
    pictures = width >= _MIN_WIDTH_WITH_IMAGES
    limit = max(1, min(articles, Options().count))
    sizes = [*(Options(count, pictures) for count in range(limit, 0, -1)), Options(1, False)]
    return next((box for box in sizes if box.height <= height), sizes[-1])


def iframe(
    catalog: Catalog, feed_info: FeedInfo, chosen: Options, width: int | str, height: int
) -> str:
    """Return the iframe element of a box."""
    address = escape(catalog.urls.box(feed_info.id, chosen.query))
    return (
        f'<iframe src="{address}" title="{escape(feed_info.title)}" width="{width}" '
        f'height="{height}" loading="lazy" style="border:0"></iframe>'
    )


def _render_box(catalog: Catalog, feed_info: FeedInfo, shown: Selection, chosen: Options) -> bytes:
    files, urls = catalog.files, catalog.urls
    feed, frame = catalog.feed(shown), view_models.frame(files.site, urls)
    return render(
        "box.html",
        frame=frame,
        name=feed_info.name,
        title=feed_info.title,
        page=urls.page(feed_info.id),
        articles=view_models.articles(feed, urls, frame.language),
        chosen=chosen,
    )


def _render_chooser(catalog: Catalog, feed_info: FeedInfo, menu: Menu, chosen: Options) -> bytes:
    files, urls = catalog.files, catalog.urls
    addresses = urls.addresses(feed_info.id)
    links = view_models.feed_links(feed_info.name, addresses)
    written = language(files.site.language)
    return render(
        "embed.html",
        frame=view_models.frame(files.site, urls),
        title=f"{written.gettext('Add to your site')} — {files.site.title}",
        description=written.gettext("Links and a box of articles to copy into your own site."),
        canonical=urls.at("embed"),
        feed_info=feed_info,
        choices=_choices(menu, feed_info, written),
        chosen=chosen,
        counts=COUNTS,
        themes=THEMES,
        preview=urls.local(urls.box(feed_info.id, chosen.query)),
        alternates="\n".join(map(_alternate, links)),
        button=_button(feed_info.name, addresses.rss, written),
        box=iframe(catalog, feed_info, chosen, "100%", chosen.height),
        script=_script(addresses.json, chosen.count),
        page=urls.local(addresses.page),
    )


def _choices(
    menu: Menu, chosen: FeedInfo, written: Language
) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """Return all feeds for a select element: groups of paths and names, indented by depth.

    One that lists leave out is among them if it is chosen.
    """

    def walk(entries: tuple[MenuEntry, ...], depth: int) -> list[tuple[str, str]]:
        found = []
        for entry in entries:
            found.append((entry.id.path, "\u2003" * depth + entry.name))
            found += walk(entry.inside, depth + 1)
        return found

    everything = written.gettext("Everything")
    own = ((written.gettext("Your own"), ((chosen.id.path, chosen.name),)),)
    groups = tuple((title, tuple(walk(entries, 0))) for _, title, entries in menu.groups(written))
    listed = ((everything, ((ALL.path, everything),)), *groups)
    is_listed = any(chosen.id.path == path for _, entries in listed for path, _ in entries)
    return listed if is_listed else (*own, *listed)


def _alternate(link: view_models.FeedLink) -> str:
    title, href = escape(link.title), escape(link.href)
    return f'<link rel="alternate" type="{link.type}" title="{title}" href="{href}">'


def _button(name: str, feed: str, written: Language) -> str:
    text = escape(written.gettext("Subscribe to %(feed)s", feed=name))
    return f'<a type="application/rss+xml" href="{escape(feed)}">{text}</a>'


def _script(feed: str, count: int) -> str:
    """Return a script that builds a list for sites that bring their own styles."""
    return f"""\
<ul id="articles"></ul>
<script type="module">
const list = document.querySelector("#articles");
const feed = await (await fetch({json.dumps(feed)})).json();
for (const {{ url, title }} of feed.items.slice(0, {count})) {{
  const link = document.createElement("a");
  Object.assign(link, {{ href: url, textContent: title }});
  list.appendChild(document.createElement("li")).append(link);
}}
</script>"""


def _oembed(
    catalog: Catalog, feed_info: FeedInfo, chosen: Options, width: int, height: int
) -> dict[str, Any]:
    site = catalog.files.site
    return {
        "version": "1.0",
        "type": "rich",
        "title": feed_info.title,
        "provider_name": site.title,
        "provider_url": f"{site.url}/",
        "cache_age": site.max_age,
        "width": width,
        "height": height,
        "html": iframe(catalog, feed_info, chosen, width, height),
    }
