"""Serves the site's own images from open files, with conditions and single ranges."""

import os
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from flask import Response, request, send_file
from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.http import parse_date

from feeds.web.headers import FEED_POLICY
from feeds.web.negotiation import is_readable, wants_part
from feeds.web.response import web
from feeds.web.routes import routes

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: Seconds that caches may keep an image.
MAX_AGE = 86_400

#: Request headers that Werkzeug parses as dates.
_DATES = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_RANGE")


@routes.get("/pictures/<path:name>")
def picture(name: str) -> Response:
    """Answer with an image from the content folder."""
    file = web().sync.open_image(name)
    if file is None:
        raise NotFound
    try:
        response = _file_response(file, name)
    except HTTPException:
        file.close()
        raise
    response.headers.extend(FEED_POLICY)
    return response


def _file_response(file: IO[bytes], name: str) -> Response:
    """Answer with an open file; reopening it by its path could yield another file."""
    status = os.fstat(file.fileno())
    _ignore_unusable(request.environ)
    _drop_unequal_dates(request.environ, int(status.st_mtime))
    response = send_file(
        file,
        download_name=name.rpartition("/")[2],
        conditional=False,
        etag=f"{status.st_mtime_ns:x}-{status.st_size:x}",
        last_modified=status.st_mtime,
        max_age=MAX_AGE,
    )
    response.content_length = status.st_size
    response.make_conditional(request.environ, accept_ranges=True, complete_length=status.st_size)
    # RFC 9111, 3.5: only responses to requests with credentials need "public".
    response.cache_control.public = False
    # Redundant beside max-age, and different every second.
    response.expires = None
    return response


def _ignore_unusable(environ: "WSGIEnvironment") -> None:
    """Remove an unsupported Range, and all conditions if one of the dates is malformed."""
    are_dates_readable = all(is_readable(environ.get(name)) for name in _DATES)
    if not are_dates_readable or not wants_part(environ.get("HTTP_RANGE")):
        environ.pop("HTTP_RANGE", None)
    if not are_dates_readable:
        for name in _DATES:
            environ.pop(name, None)


def _drop_unequal_dates(environ: "WSGIEnvironment", modified: int) -> None:
    """Drop each date of the request that differs from the time of an image.

    Werkzeug treats any later date as a match, but an image may be replaced by an older one
    (``cp -p``).
    """
    for header, dependent in (
        ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_MODIFIED_SINCE"),
        ("HTTP_IF_RANGE", "HTTP_RANGE"),
    ):
        with suppress(OverflowError):
            date = parse_date(environ.get(header))
            if date and int(date.timestamp()) != modified:
                environ.pop(dependent, None)
