"""Routes for programs and other sites: lists of feeds, snippets, boxes and oEmbed."""

from collections.abc import Callable
from functools import partial

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from feeds.catalog import Catalog
from feeds.documents import DocumentPlan
from feeds.errors import MovedFeed
from feeds.mixes import Mix, read_terms
from feeds.model import FeedId
from feeds.searches import Search
from feeds.urls import ALL, PathTarget, read_feed
from feeds.web import crawlers, embed, feed_lists, mix_page, opml_folders
from feeds.web.feed_routes import routes
from feeds.web.flask_response import respond, respond_once, text_response, web

#: The list of the feeds that the site chose, which a site need not have.
FEED_MENU = ".well-known/feed-menu.json"

#: Lists of feeds.
LISTS: dict[str, Callable[[Catalog], DocumentPlan]] = {
    "feeds.json": feed_lists.directory_plan,
    "feeds.opml": opml_folders.opml_plan,
    ".well-known/feeds": opml_folders.opml_plan,
    FEED_MENU: feed_lists.feed_menu_plan,
    "sitemap.xml": crawlers.sitemap_plan,
    "robots.txt": crawlers.robots_plan,
    "opensearch.xml": crawlers.opensearch_plan,
}


def _add_list(name: str, plan: Callable[[Catalog], DocumentPlan]) -> None:
    def view() -> Response:
        catalog = web().catalog
        return respond(PathTarget(f"/{name}"), lambda: plan(catalog))

    routes.add_url_rule(f"/{name}", name.replace(".", "-"), view, methods=["GET"])


for _name, _list_plan in LISTS.items():
    _add_list(_name, _list_plan)


@routes.get("/<any(topics):kind>/<slug>.opml")
def topic_opml(kind: str, slug: str) -> ResponseReturnValue:
    """Answer with the OPML of a topic and its sub-topics."""
    catalog, id = web().catalog, _feed_id(f"{kind}/{slug}")
    try:
        plan = partial(opml_folders.topic_opml_plan, catalog, id)
        return respond(PathTarget(f"/{id.path}.opml"), plan)
    except MovedFeed as moved:
        return redirect(catalog.urls.opml(moved.feed), 301)


@routes.get("/embed")
def chooser() -> Response:
    """Answer with the page of snippets for other sites."""
    catalog = web().catalog
    if not request.args:
        plan = partial(embed.chooser_plan, catalog, ALL.path, embed.Options())
        return respond(PathTarget("/embed"), plan)
    chosen = embed.options(request.args)
    return respond_once(partial(embed.chooser_plan, catalog, request.args.get("feed", ""), chosen))


@routes.get("/embed/<path:path>")
def box(path: str) -> ResponseReturnValue:
    """Answer with the box of a feed for an iframe."""
    bare = path.removesuffix("/")
    id, catalog = _feed_id(bare), web().catalog
    chosen = embed.options(request.args)
    try:
        answer = respond(embed.Box(id, chosen), lambda: embed.box_plan(catalog, id, chosen))
        return answer if path == bare else redirect(catalog.urls.box(id, chosen.query), 301)
    except MovedFeed as moved:
        return redirect(catalog.urls.box(moved.feed, chosen.query), 301)


@routes.get("/mix")
def mix() -> ResponseReturnValue:
    """Answer with the form of a mix, or redirect to the mix that is ticked in it."""
    catalog, fields = web().catalog, request.args.to_dict(flat=False)
    ticked = mix_page.ticked(fields)
    if ticked.terms and not ticked.fault:
        return redirect(catalog.urls.page(FeedId(ticked.path)), 303)
    if ticked.terms or "make" in fields:
        return _mix_form(mix_page.known(catalog, ticked), ticked.fault)
    return _mix_form(mix_page.known(catalog, Mix.of(read_terms(request.args.get("with", "")))), "")


def _mix_form(mix: Mix, fault: str) -> Response:
    form = mix_page.MixForm(bool(mix.terms), fault)
    target = PathTarget("/mix") if form == mix_page.UNTICKED else form
    plan = partial(mix_page.form_plan, web().catalog, form)
    if not mix.terms:
        return respond(target, plan)
    document = web().publisher.document(target, plan)
    return respond_once(partial(mix_page.ticked_plan, document, mix))


@routes.get("/search")
def search() -> ResponseReturnValue:
    """Redirect to the page of a search for the words in a form."""
    requested = Search.of(request.args.get("q", ""))
    urls = web().catalog.urls
    return redirect(f"{urls.site}/" if requested.fault else urls.page(FeedId(requested.path)), 303)


@routes.get("/oembed")
def oembed() -> Response:
    """Answer an oEmbed request for the page that ``url`` names (https://oembed.com)."""
    id = web().catalog.urls.page_at(request.args.get("url", ""))
    if id is None:
        raise NotFound
    try:
        return _oembed(FeedId(id.path))
    except MovedFeed as moved:
        return _oembed(moved.feed)


@routes.get("/oembed/<path:path>.json")
def oembed_document(path: str) -> ResponseReturnValue:
    """Answer with the oEmbed of a feed; pages link to this address, which an export can write."""
    try:
        return _oembed(_feed_id(path))
    except MovedFeed as moved:
        return redirect(web().catalog.urls.oembed_document(moved.feed), 301)


def _oembed(id: FeedId) -> Response:
    # "501 Not Implemented: The provider cannot return a response in the requested format."
    if request.args.get("format", "json") != "json":
        return text_response(501, "Only format=json is supported.")
    width, height = _pixels("maxwidth"), _pixels("maxheight")
    return respond_once(partial(embed.oembed_plan, web().catalog, id, width, height))


def _feed_id(path: str) -> FeedId:
    found = read_feed(path)
    if found is None:
        raise NotFound
    return found


def _pixels(name: str) -> int | None:
    text = request.args.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
