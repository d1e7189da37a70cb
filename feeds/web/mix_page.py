"""The page on which people put a mix together: a form of all topics and providers."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import msgspec

from feeds.catalog import Catalog
from feeds.documents import DocumentPlan
from feeds.errors import MovedFeed, RetiredFeed, UnknownFeed
from feeds.languages import language
from feeds.mixes import ALL, ANY, NONE, Mix, Term, is_domain, read_terms
from feeds.model import FeedId
from feeds.web import views
from feeds.web.document_plans import page_key, site_plan
from feeds.web.headers import NOINDEX, PAGE_POLICY
from feeds.web.menu import MenuEntry, menu
from feeds.web.pages import HTML
from feeds.web.rendering import render

#: The columns of the form: the name of their fields, and the sign of their terms.
COLUMNS: Mapping[str, str] = {"any": ANY, "all": ALL, "none": NONE}

#: The most ticks that the form keeps, which are more than a mix may have: each is looked up.
MOST_TICKED = 50


@dataclass(frozen=True, slots=True)
class MixRow:
    """A topic or a provider in the form."""

    name: str
    #: Its term in an address, without a sign.
    term: str
    #: The number of topics that it is within.
    depth: int


@dataclass(frozen=True, slots=True)
class MixForm:
    """The target of the form in which a mix is ticked, with what is wrong with it, if anything."""

    mix: Mix
    fault: str


def mix_plan(catalog: Catalog, form: MixForm) -> DocumentPlan:
    """Return the plan of the form in which a mix is ticked."""
    mix, fault = form.mix, form.fault
    gettext = language(catalog.files.site.language).gettext
    with catalog.snapshot():
        listed = menu(feed_info.without_counts for feed_info in catalog.feed_infos())
        groups = {
            gettext("Topics"): (*_rows(listed.topics),),
            gettext("Providers"): (*_rows(listed.providers),),
        }
        return site_plan(
            catalog,
            key=page_key(catalog, msgspec.json.encode((groups, mix.path, fault))),
            headers=(("Content-Type", HTML), *(NOINDEX if mix.terms else ()), *PAGE_POLICY),
            render=partial(_render, catalog, groups, mix, fault),
            is_custom=bool(mix.terms),
        )


def ticked(fields: Mapping[str, list[str]]) -> Mix:
    """Return the mix that is ticked in the fields of a form."""
    return Mix.of(
        term
        for column, sign in COLUMNS.items()
        for name in fields.get(column, ())
        for term in read_terms(f"{sign}{name}")
    )


def known(catalog: Catalog, mix: Mix) -> Mix:
    """Return a mix without the terms that name no feed by its usual address.

    A client can invent any number of them, and each would render the form anew.
    """
    with catalog.snapshot():
        return Mix.of(term for term in mix.terms[:MOST_TICKED] if _is_known(catalog, term))


def _is_known(catalog: Catalog, term: Term) -> bool:
    try:
        catalog.feed_info(FeedId(term.path))
    except (UnknownFeed, MovedFeed, RetiredFeed):
        return False
    return True


def _rows(entries: tuple[MenuEntry, ...], depth: int = 0) -> Iterator[MixRow]:
    for entry in entries:
        kind, name = entry.id.path.split("/", 1)
        if kind == "topics" or is_domain(name):
            yield MixRow(entry.name, name, depth)
        yield from _rows(entry.inside, depth + 1)


def _render(
    catalog: Catalog, groups: Mapping[str, tuple[MixRow, ...]], mix: Mix, fault: str
) -> bytes:
    site, urls = catalog.files.site, catalog.urls
    gettext = language(site.language).gettext
    heading = gettext("Combine feeds")
    return render(
        "mix.html",
        frame=views.frame(site, urls),
        heading=heading,
        title=f"{heading} — {site.title}",
        description=gettext("One feed of the topics and providers that you choose."),
        canonical="" if mix.terms else urls.at("mix"),
        groups=groups,
        ticked={
            (column, path.partition("/")[2])
            for column, sign in COLUMNS.items()
            for path in mix.paths(sign)
        },
        fault=fault and gettext(fault),
    )
