"""Routes of feeds and their pages, assets, images and public files."""

from functools import partial

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from feeds.errors import MovedFeed
from feeds.moved_addresses import find
from feeds.urls import ALL, GUESSES, PathTarget, Target, is_custom, read
from feeds.web.assets import asset_plan
from feeds.web.document_plans import delta_plan, feed_plan
from feeds.web.file_responses import own_image, public_file
from feeds.web.flask_response import respond, respond_once, respond_with_delta, web
from feeds.web.headers import CORS, PREFLIGHT
from feeds.web.pages import page_plan, search_plan

routes = Blueprint("tributary", __name__)


@routes.get("/static/<name>")
def asset(name: str) -> Response:
    """Answer with the style sheet, a script or the icon."""
    plan = asset_plan(name)
    if plan is None:
        raise NotFound
    return respond(PathTarget(f"/static/{name}"), lambda: plan)


@routes.get("/pictures/<path:name>")
def picture(name: str) -> Response:
    """Answer with an image from the content folder."""
    return own_image(name)


@routes.get("/", defaults={"path": ""})
@routes.get("/<path:path>")
def feed(path: str) -> ResponseReturnValue:
    """Answer with a feed in the format that the ending selects, or with its page."""
    bare = path.removesuffix("/")
    target = read(path) or (read(bare) if bare and bare not in GUESSES else None)
    if target in (None, Target(ALL, None)) and (moved := _moved(path)):
        return moved
    if target is None:
        return public_file(path)
    query = request.args.get("q", "").strip()
    if target == Target(ALL, None) and query:
        return respond_once(partial(search_plan, web().catalog, query))
    try:
        answer = _feed(target)
        # Redirect a trailing slash away, except of the guessed addresses that end with one.
        is_canonical = path == bare or path in GUESSES
        return answer if is_canonical else redirect(web().catalog.urls.target(target), 301)
    except MovedFeed as error:
        address = web().catalog.urls.target(Target(error.feed, target.format))
        return redirect(address, 301)


@routes.route("/", defaults={"path": ""}, methods=["OPTIONS"], provide_automatic_options=False)
@routes.route("/<path:path>", methods=["OPTIONS"], provide_automatic_options=False)
def options(path: str) -> Response:
    """Answer a preflight request of a script of another site."""
    return Response(status=204, headers=[("Allow", "GET, HEAD, OPTIONS"), *PREFLIGHT])


def _moved(path: str) -> ResponseReturnValue | None:
    """Return the redirect of an address at which another program served a feed."""
    move = find(web().catalog.files.moved, path, request.query_string.decode("latin-1"))
    if move is None:
        return None
    answer = redirect(web().catalog.urls.target(Target(move.feed, move.format)), 301)
    answer.headers.extend(CORS)
    return answer


def _feed(target: Target) -> Response:
    catalog, id, format = web().catalog, target.feed, target.format
    if format is None:
        return respond(target, lambda: page_plan(catalog, id))
    history = web().custom_history if is_custom(id) else web().history
    arguments = catalog, history, id, format
    return respond_with_delta(
        target, partial(feed_plan, *arguments), partial(delta_plan, *arguments)
    )
