"""Which address gets which answer."""

from collections.abc import Callable
from dataclasses import dataclass
from mimetypes import guess_type
from pathlib import Path
from typing import cast

from flask import Blueprint, Response, current_app, redirect, request, send_from_directory
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, NotFound

from feeds.catalog import Catalog
from feeds.errors import IndexUnavailable, MovedFeed, RetiredFeed, UnknownFeed
from feeds.library import Library
from feeds.publisher import Publisher, Recipe
from feeds.urls import read
from feeds.web.answers import Conditions, answer
from feeds.web.dated import DatedResponse
from feeds.web.headers import FEED_POLICY, PREFLIGHT, completed
from feeds.web.lists import directory_recipe
from feeds.web.recipes import feed_recipe

routes = Blueprint("tributary", __name__)


@dataclass(frozen=True, slots=True)
class Web:
    """What the routes answer from."""

    catalog: Catalog
    publisher: Publisher
    library: Library
    #: The folder of pictures that we serve ourselves.
    pictures: Path


def _web() -> Web:
    return cast(Web, current_app.extensions["tributary"])


@routes.get("/feeds.json")
def directory() -> Response:
    """Every feed, for programs."""
    catalog = _web().catalog
    return _respond(catalog.urls.at("feeds.json"), lambda: directory_recipe(catalog))


@routes.get("/healthz")
def health() -> ResponseReturnValue:
    """Whether the server can answer from its index, and what became of the files."""
    tally = _web().library.index.tally()
    served = tally.pop("served")
    headers = {"Cache-Control": "no-store"}
    return {"status": "ok", "articles": served, "not served": tally}, headers


@routes.get("/pictures/<path:name>")
def picture(name: str) -> Response:
    """A picture of an article that came with it."""
    if not _is_picture(_web().pictures, name):
        raise NotFound
    response = send_from_directory(_web().pictures, name, conditional=True, max_age=86_400)
    response.headers.extend(FEED_POLICY)
    return response


def _is_picture(folder: Path, name: str) -> bool:
    """Whether a name is that of a picture in a folder: a link of that name may lead out of it."""
    is_hidden = any(part.startswith(".") for part in name.split("/"))
    is_image = (guess_type(name)[0] or "").startswith("image/")
    if is_hidden or not is_image or "\0" in name:
        return False
    return (folder / name).resolve().is_relative_to(folder.resolve())


@routes.get("/", defaults={"path": ""})
@routes.get("/<path:path>")
def feed(path: str) -> ResponseReturnValue:
    """A feed in the format that the ending names; nothing else in the request has a say."""
    target = read(path)
    if target is None or target.format is None:
        raise NotFound
    catalog, format = _web().catalog, target.format
    try:
        return _respond(
            catalog.urls.feed(target.feed, format),
            lambda: feed_recipe(catalog, target.feed, format),
        )
    except MovedFeed as moved:
        return redirect(catalog.urls.feed(moved.feed, format), 301)


@routes.route("/", defaults={"path": ""}, methods=["OPTIONS"], provide_automatic_options=False)
@routes.route("/<path:path>", methods=["OPTIONS"], provide_automatic_options=False)
def options(path: str) -> Response:
    """What other sites' scripts may ask."""
    return Response(status=204, headers=[("Allow", "GET, HEAD, OPTIONS"), *PREFLIGHT])


@routes.app_errorhandler(UnknownFeed)
def unknown(error: UnknownFeed) -> ResponseReturnValue:
    """404, in words."""
    home = _web().catalog.urls.site
    return _say(404, f"There is no such feed. All feeds are listed at {home}/")


@routes.app_errorhandler(RetiredFeed)
def retired(error: RetiredFeed) -> ResponseReturnValue:
    """410, in words."""
    home = _web().catalog.urls.site
    return _say(410, f"This feed has ended: unsubscribe from it. All feeds are at {home}/")


@routes.app_errorhandler(IndexUnavailable)
def unavailable(error: IndexUnavailable) -> ResponseReturnValue:
    """503: nothing has been served here yet, and the index does not answer."""
    current_app.logger.error("%s", error)
    answer = _say(503, "The index cannot be read now. Try again in a minute.")
    answer.headers["Retry-After"] = "60"
    return answer


@routes.app_errorhandler(HTTPException)
def refused(error: HTTPException) -> ResponseReturnValue:
    """Any other refusal, in words of the standard."""
    if error.code == 404:
        return unknown(UnknownFeed())
    said = _say(error.code or 500, f"{error.name}. {error.description}")
    said.headers.extend((k, v) for k, v in error.get_headers() if k == "Allow")
    return said


@routes.after_app_request
def guard(response: Response) -> Response:
    """Add what every answer carries, errors too."""
    response.headers = Headers(completed(response.headers))
    return response


class _Answered(DatedResponse):
    """An answer whose headers are complete: Werkzeug would take some from a 304."""

    def get_wsgi_headers(self, environ: object) -> Headers:
        """The headers that are sent."""
        return self.headers


def _say(status: int, text: str) -> Response:
    return Response(f"{text}\n", status, content_type="text/plain; charset=utf-8")


def _respond(address: str, recipe: Callable[[], Recipe]) -> Response:
    document = _web().publisher.document(address, recipe)
    found = answer(
        document,
        Conditions(
            request.headers.get("Accept-Encoding"),
            request.headers.get("If-None-Match"),
            request.headers.get("If-Modified-Since"),
        ),
    )
    response = _Answered(found.body, found.status)
    response.headers = Headers(found.headers)
    return response
