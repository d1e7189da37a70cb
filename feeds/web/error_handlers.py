"""Error responses: a line of English for programs, a page in the site's language for people."""

from flask import Response, current_app, g, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from feeds.errors import IndexUnavailable, RetiredFeed, UnknownCustomFeed, UnknownFeed
from feeds.languages import language, marked
from feeds.urls import GUESSES, is_custom, read
from feeds.web import view_models
from feeds.web.feed_routes import routes
from feeds.web.flask_response import text_response, web
from feeds.web.headers import PAGE_POLICY, with_default_headers
from feeds.web.page_rendering import render
from feeds.web.pages import HTML

#: Endings of addresses that programs request.
_PROGRAMS = (".rss", ".atom", ".json", ".opml", ".xml", ".txt", ".ico")
#: Of these, the feeds and lists that scripts of other sites may read.
_SHARED = (".rss", ".atom", ".json", ".opml")
_PROGRAM_FOLDERS = (
    ".well-known/",
    "pictures/",
    "static/",
    "healthz",
    "readyz",
    "metrics",
    "oembed",
)

#: Headers of an error that describe valid requests: of a 405 and of a 416.
_KEPT = ("Allow", "Content-Range")


@routes.app_errorhandler(UnknownFeed)
def unknown(error: UnknownFeed) -> ResponseReturnValue:
    """Answer 404."""
    text = f"There is no such feed. All feeds are listed at {web().catalog.urls.site}/"
    advice = marked(
        "The address may be misspelled, or the feed may never have existed. Search all feeds:"
    )
    return _error_response(404, text, marked("Page not found"), advice)


@routes.app_errorhandler(UnknownCustomFeed)
def unknown_custom(error: UnknownCustomFeed) -> ResponseReturnValue:
    """Answer 404, with the fault of a mix or a search."""
    text = f"{error} All feeds are listed at {web().catalog.urls.site}/"
    return _error_response(404, text, marked("Page not found"), error.message, **error.values)


@routes.app_errorhandler(RetiredFeed)
def retired(error: RetiredFeed) -> ResponseReturnValue:
    """Answer 410."""
    home = web().catalog.urls.site
    text = f"This feed has ended: unsubscribe from it. All feeds are at {home}/"
    advice = marked(
        "No new articles will appear here, so you can unsubscribe. Search for another feed:"
    )
    return _error_response(410, text, marked("This feed has ended"), advice)


@routes.app_errorhandler(IndexUnavailable)
def unavailable(error: IndexUnavailable) -> ResponseReturnValue:
    """Answer once the index can be read, else 503: no document of this address is in memory."""
    if not g.get("has_waited") and web().sync.wait_until_readable():
        g.has_waited = True
        return _answered_again()
    if web().index_log.is_due():
        current_app.logger.error("%s", error)
    text = "The index cannot be read now. Try again in a minute."
    answer = _server_error(503, text)
    answer.headers["Retry-After"] = "60"
    return answer


def _answered_again() -> ResponseReturnValue:
    """Answer the request from its route, as if for the first time."""
    try:
        return current_app.dispatch_request()
    except Exception as error:
        return current_app.handle_user_exception(error)


@routes.app_errorhandler(HTTPException)
def http_error(error: HTTPException) -> ResponseReturnValue:
    """Answer any other error with its standard name and description."""
    if error.code == 404:
        return unknown(UnknownFeed())
    code = error.code or 500
    text = f"{error.name}. {error.description}"
    answer = text_response(code, text) if code < 500 else _server_error(code, text)
    answer.headers.extend((k, v) for k, v in error.get_headers() if k in _KEPT)
    return answer


@routes.after_app_request
def add_default_headers(response: Response) -> Response:
    """Add the default headers to every response, errors included."""
    path = request.path.lstrip("/")
    # docs/requirements.md 95: feeds and lists "on 200, 304, 4xx and OPTIONS". oEmbed likewise.
    is_named = path in GUESSES or path == "oembed" or path.endswith(_SHARED)
    is_shared = request.method == "OPTIONS" or is_named
    response.headers = Headers(with_default_headers(response.headers, is_shared))
    return response


def _server_error(status: int, text: str) -> Response:
    heading = marked("This page is not available right now")
    advice = marked("The problem is on our side. Try again in a minute.")
    return _error_response(status, text, heading, advice)


def _error_response(
    status: int, text: str, heading: str, advice: str, **values: object
) -> Response:
    """Answer a program with a text, and a person with a page of translated messages."""
    path = request.path.lstrip("/")
    if path in GUESSES or path.endswith(_PROGRAMS) or path.startswith(_PROGRAM_FOLDERS):
        return text_response(status, text)
    catalog = web().catalog
    site, urls = catalog.files.site, catalog.urls
    gettext = language(site.language).gettext
    heading = gettext(heading)
    page = render(
        "error.html",
        frame=view_models.frame(site, urls),
        status=status,
        heading=heading,
        advice=gettext(advice, **values),
        title=f"{heading} — {site.title}",
        description=heading,
        query=_search_query(path) if status < 500 else "",
    )
    return Response(page, status, content_type=HTML, headers=[*PAGE_POLICY])


def _search_query(path: str) -> str:
    """Return a search query for an unknown address: "deep sea" for ``topics/deep-sea``."""
    target = read(path)
    if target and is_custom(target.feed):
        return ""
    return target.feed.path.rpartition("/")[2].replace("-", " ")[:40] if target else ""
