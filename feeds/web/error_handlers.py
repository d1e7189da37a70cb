"""What is said when there is nothing to answer with: to programs in a line, to people on a page."""

from flask import Response, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from feeds.errors import IndexUnavailable, RetiredFeed, UnknownFeed
from feeds.urls import GUESSES, read
from feeds.web import views
from feeds.web.headers import PAGE_POLICY, completed
from feeds.web.pages import HTML
from feeds.web.rendering import render
from feeds.web.response import say, web
from feeds.web.routes import routes

#: Addresses that programs ask for.
_PROGRAMS = (".rss", ".atom", ".json", ".opml", ".xml", ".txt", ".ico")
#: Of these, what scripts of other sites may read: feeds and lists of them.
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

#: Headers of a refusal that say what would be answered: with 405, and with 416.
_KEPT = ("Allow", "Content-Range")

_NOT_HERE = "Page not found"
_ENDED = "This feed has ended"
_BROKEN = "This page is not available right now"


@routes.app_errorhandler(UnknownFeed)
def unknown(error: UnknownFeed) -> ResponseReturnValue:
    """404, in words."""
    text = f"There is no such feed. All feeds are listed at {web().catalog.urls.site}/"
    advice = "The address may be misspelled, or the feed may never have existed. Search all feeds:"
    return _refuse(404, text, _NOT_HERE, advice)


@routes.app_errorhandler(RetiredFeed)
def retired(error: RetiredFeed) -> ResponseReturnValue:
    """410, in words."""
    home = web().catalog.urls.site
    text = f"This feed has ended: unsubscribe from it. All feeds are at {home}/"
    advice = "No new articles will appear here, so you can unsubscribe. Search for another feed:"
    return _refuse(410, text, _ENDED, advice)


@routes.app_errorhandler(IndexUnavailable)
def unavailable(error: IndexUnavailable) -> ResponseReturnValue:
    """503: nothing has been served here yet, and the index does not answer."""
    if web().complains.is_due():
        current_app.logger.error("%s", error)
    text = "The index cannot be read now. Try again in a minute."
    answer = _refuse(503, text, _BROKEN, "The problem is on our side. Try again in a minute.")
    answer.headers["Retry-After"] = "60"
    return answer


@routes.app_errorhandler(HTTPException)
def refused(error: HTTPException) -> ResponseReturnValue:
    """Any other refusal, in words of the standard."""
    if error.code == 404:
        return unknown(UnknownFeed())
    code = error.code or 500
    text = f"{error.name}. {error.description}"
    if code < 500:
        answer = say(code, text)
    else:
        answer = _refuse(code, text, _BROKEN, "The problem is on our side. Try again in a minute.")
    answer.headers.extend((k, v) for k, v in error.get_headers() if k in _KEPT)
    return answer


@routes.after_app_request
def guard(response: Response) -> Response:
    """Add what every answer carries, errors too."""
    path = request.path.lstrip("/")
    # CONSUMERS 95: feeds and lists "on 200, 304, 4xx and OPTIONS"; oEmbed likewise; nothing else.
    is_named = path in GUESSES or path == "oembed" or path.endswith(_SHARED)
    is_shared = request.method == "OPTIONS" or is_named
    response.headers = Headers(completed(response.headers, is_shared))
    return response


def _refuse(status: int, text: str, heading: str, advice: str) -> Response:
    path = request.path.lstrip("/")
    if path in GUESSES or path.endswith(_PROGRAMS) or path.startswith(_PROGRAM_FOLDERS):
        return say(status, text)
    catalog = web().catalog
    site, urls = catalog.files.site, catalog.urls
    page = render(
        "error.html",
        frame=views.frame(site, urls),
        status=status,
        heading=heading,
        advice=advice,
        title=f"{heading} — {site.title}",
        description=heading,
        canonical="",
        feed_links=(),
        oembed="",
        picture=None,
        query=_guess(path) if status < 500 else "",
    )
    return Response(page, status, content_type=HTML, headers=[*PAGE_POLICY])


def _guess(path: str) -> str:
    """What somebody may have looked for at an address: ``topics/deep-sea`` names deep sea."""
    target = read(path)
    return target.feed.path.rpartition("/")[2].replace("-", " ")[:40] if target else ""
