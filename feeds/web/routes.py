"""Which address of a feed, its page and its pictures gets which answer."""

import os
from contextlib import suppress
from functools import partial
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Blueprint, Response, redirect, request, send_from_directory
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound
from werkzeug.http import parse_date

from feeds.errors import MovedFeed
from feeds.library import as_on_disk
from feeds.urls import ALL, GUESSES, Target, read
from feeds.web.assets import asset_recipe
from feeds.web.headers import FEED_POLICY, PREFLIGHT
from feeds.web.negotiation import is_readable, wants_part
from feeds.web.pages import page_recipe, search_recipe
from feeds.web.recipes import delta_recipe, feed_recipe
from feeds.web.responses import respond, respond_once, respond_with_news, web

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

routes = Blueprint("tributary", __name__)

#: Headers of a request for a picture that Werkzeug reads as dates.
_DATES = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_RANGE")


@routes.get("/pictures/<path:name>")
def picture(name: str) -> Response:
    """A picture of an article that came with it."""
    name = as_on_disk(web().pictures, name)
    if not _is_picture(web().pictures, name):
        raise NotFound
    _ignore_unusable(request.environ)
    _drop_other_dates(web().pictures / name)
    response = send_from_directory(web().pictures, name, conditional=True, max_age=86_400)
    # RFC 9111, 3.5: "public" allows what only an answer to a request with credentials needs.
    response.cache_control.public = False
    # Beside max-age it says nothing, and moves every second.
    response.expires = None
    response.headers.extend(FEED_POLICY)
    return response


@routes.get("/static/<name>")
def asset(name: str) -> Response:
    """The style sheet and the scripts of our pages."""
    recipe = asset_recipe(name)
    if recipe is None:
        raise NotFound
    return respond(web().catalog.urls.at(f"static/{name}"), lambda: recipe)


@routes.get("/", defaults={"path": ""})
@routes.get("/<path:path>")
def feed(path: str) -> ResponseReturnValue:
    """A feed in the format that the ending names, or its page; nothing else has a say."""
    bare = path.removesuffix("/")
    target = read(path) or (read(bare) if bare and bare not in GUESSES else None)
    if target is None:
        raise NotFound
    query = request.args.get("q", "").strip()
    if target == Target(ALL, None) and query:
        return respond_once(search_recipe(web().catalog, query))
    try:
        answer = _feed(target)
        # A slash too many; what people guess has one of its own.
        is_usual = path == bare or path in GUESSES
        return answer if is_usual else redirect(_address(target), 301)
    except MovedFeed as moved:
        return redirect(_address(Target(moved.feed, target.format)), 301)


@routes.route("/", defaults={"path": ""}, methods=["OPTIONS"], provide_automatic_options=False)
@routes.route("/<path:path>", methods=["OPTIONS"], provide_automatic_options=False)
def options(path: str) -> Response:
    """What other sites' scripts may ask."""
    return Response(status=204, headers=[("Allow", "GET, HEAD, OPTIONS"), *PREFLIGHT])


def _feed(target: Target) -> Response:
    catalog, id, format = web().catalog, target.feed, target.format
    if format is None:
        return respond(_address(target), lambda: page_recipe(catalog, id))
    asked = catalog, web().traces, id, format
    return respond_with_news(
        _address(target), partial(feed_recipe, *asked), partial(delta_recipe, *asked)
    )


def _address(target: Target) -> str:
    urls = web().catalog.urls
    return (
        urls.page(target.feed) if target.format is None else urls.feed(target.feed, target.format)
    )


def _drop_other_dates(picture: Path) -> None:
    """Drop each date of the request that is not the very time of a picture.

    Werkzeug takes any later one for the same picture; but a picture can take the place of another
    and be older (``cp -p``).
    """
    environ = request.environ
    for header, decided in (
        ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_MODIFIED_SINCE"),
        ("HTTP_IF_RANGE", "HTTP_RANGE"),
    ):
        with suppress(OSError, OverflowError):
            date = parse_date(environ.get(header))
            if date and int(date.timestamp()) != int(picture.stat().st_mtime):
                environ.pop(decided, None)


def _ignore_unusable(environ: "WSGIEnvironment") -> None:
    """Remove a Range that is not for us, and all conditions if one of the dates cannot be read."""
    are_dates_readable = all(is_readable(environ.get(name)) for name in _DATES)
    if not are_dates_readable or not wants_part(environ.get("HTTP_RANGE")):
        environ.pop("HTTP_RANGE", None)
    if not are_dates_readable:
        for name in _DATES:
            environ.pop(name, None)


def _is_picture(folder: Path, name: str) -> bool:
    """Whether a name is that of a picture in a folder: a link of that name may lead out of it."""
    is_hidden = any(part.startswith(".") for part in name.split("/"))
    is_image = (guess_type(name)[0] or "").startswith("image/")
    if is_hidden or not is_image or "\0" in name:
        return False
    # Not Path.resolve: it raises on a link that leads to itself.
    return Path(os.path.realpath(folder / name)).is_relative_to(os.path.realpath(folder))
