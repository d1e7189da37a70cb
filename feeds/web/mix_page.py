"""The page on which people put a mix together: a form of all topics and providers.

A client can tick any combination of them. The form is therefore rendered and kept without ticks,
and each response gets its own: rendering 1,000 topics for each took 50 ms.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import msgspec
from markupsafe import escape

from feeds.catalog import Catalog
from feeds.documents import Document, DocumentPlan
from feeds.encoded_bodies import IDENTITY
from feeds.errors import MovedFeed, RetiredFeed, UnknownFeed
from feeds.languages import language
from feeds.mixes import ALL, ANY, NONE, Mix, Term, is_domain, read_terms
from feeds.model import FeedId
from feeds.web import view_models
from feeds.web.document_plans import digest, page_key, site_plan
from feeds.web.headers import NOINDEX, PAGE_POLICY
from feeds.web.menu import MenuEntry, menu
from feeds.web.page_rendering import render
from feeds.web.pages import HTML

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
    """The target of a form without its ticks."""

    #: True if some boxes will be ticked: search engines do not index the page then.
    has_ticks: bool
    #: The fault of the ticks: one of the messages of a mix, or the empty text.
    fault: str


#: The form as people first see it.
UNTICKED = MixForm(False, "")


def form_plan(catalog: Catalog, form: MixForm) -> DocumentPlan:
    """Return the plan of a form without its ticks."""
    gettext = language(catalog.files.site.language).gettext
    with catalog.snapshot():
        listed = menu(feed_info.without_counts for feed_info in catalog.feed_infos())
        groups = {
            gettext("Topics"): (*_rows(listed.topics),),
            gettext("Providers"): (*_rows(listed.providers),),
        }
        return site_plan(
            catalog,
            key=page_key(catalog, msgspec.json.encode((groups, form))),
            headers=(("Content-Type", HTML), *(NOINDEX if form.has_ticks else ()), *PAGE_POLICY),
            render=partial(_render, catalog, groups, form),
        )


def ticked_plan(form: Document, mix: Mix) -> DocumentPlan:
    """Return the plan of a form in which a mix is ticked."""
    return DocumentPlan(
        key=digest(form.key, mix.path),
        modified=form.modified,
        changed=form.changed,
        max_age=form.max_age,
        headers=form.headers,
        render=partial(_with_ticks, form.bodies[IDENTITY], mix),
    )


def _with_ticks(form: bytes, mix: Mix) -> bytes:
    boxes = (
        f'name="{column}" value="{escape(path.partition("/")[2])}"'.encode()
        for column, sign in COLUMNS.items()
        for path in mix.paths(sign)
    )
    # A feed that no list shows, such as a topic of too few articles, has no box.
    ends = sorted(form.index(box) + len(box) for box in boxes if box in form)
    parts = (form[start:end] for start, end in pairwise((0, *ends, len(form))))
    return b" checked".join(parts)


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

    A client can invent any number of them, and each would have an ETag of its own.
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


def _render(catalog: Catalog, groups: Mapping[str, tuple[MixRow, ...]], form: MixForm) -> bytes:
    site, urls = catalog.files.site, catalog.urls
    gettext = language(site.language).gettext
    heading = gettext("Combine feeds")
    return render(
        "mix.html",
        frame=view_models.frame(site, urls),
        heading=heading,
        title=f"{heading} — {site.title}",
        description=gettext("One feed of the topics and providers that you choose."),
        canonical="" if form.has_ticks else urls.at("mix"),
        groups=groups,
        fault=form.fault and gettext(form.fault),
    )
