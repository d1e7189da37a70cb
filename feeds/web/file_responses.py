"""Serves files of the site, its own images and the public ones: conditional, single ranges."""

import os
from collections.abc import Callable
from contextlib import suppress
from mimetypes import MimeTypes, guess_type
from typing import IO, TYPE_CHECKING

from flask import Response, request, send_file
from werkzeug.exceptions import HTTPException, NotFound, ServiceUnavailable
from werkzeug.http import parse_date

from feeds.sync import image_type
from feeds.web.flask_response import web
from feeds.web.headers import FEED_POLICY, PUBLIC_POLICY
from feeds.web.negotiation import has_single_range, is_parsable_date

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: Seconds that caches may keep an image.
IMAGE_MAX_AGE = 86_400

#: The types that Python knows, without those of the machine: each machine answers alike.
_TYPES = MimeTypes()

#: Request headers that Werkzeug parses as dates.
_DATES = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_RANGE")


def own_image(name: str) -> Response:
    """Answer with an image from the content folder; raise NotFound if there is none."""
    file = _opened(web().sync.open_image, name)
    # Its bytes, not its name, as in feeds.
    media_type = image_type(file) or guess_type(name)[0] or ""
    response = _response(file, IMAGE_MAX_AGE, media_type)
    response.headers.extend(FEED_POLICY)
    return response


def public_file(path: str) -> Response:
    """Answer with the public file of this path; raise NotFound if there is none."""
    file = _opened(web().sync.open_public, path)
    media_type, coding = _TYPES.guess_type(path)
    if media_type is None or coding:
        media_type = "application/octet-stream"
    response = _response(file, web().catalog.files.site.max_age, media_type)
    # A browser must not run what an operator put there: it has the origin of the pages.
    response.headers.extend(PUBLIC_POLICY)
    return response


def _opened(open_file: Callable[[str], IO[bytes] | None], name: str) -> IO[bytes]:
    """Open a file to answer with; raise NotFound, or ServiceUnavailable if it may be there."""
    try:
        file = open_file(name)
    except OSError as error:
        # Caches keep a 404: they must not when the process merely has no descriptor left.
        raise ServiceUnavailable from error
    if file is None:
        raise NotFound
    return file


def _response(file: IO[bytes], max_age: int, media_type: str) -> Response:
    """Answer with an open file; reopening it by its path could yield another file."""
    try:
        return _conditional_response(file, max_age, media_type)
    except HTTPException:
        file.close()
        raise


def _conditional_response(file: IO[bytes], max_age: int, media_type: str) -> Response:
    status = os.fstat(file.fileno())
    _ignore_unusable(request.environ)
    _drop_unequal_dates(request.environ, int(status.st_mtime))
    response = send_file(
        file,
        mimetype=media_type,
        conditional=False,
        etag=f"{status.st_mtime_ns:x}-{status.st_size:x}",
        last_modified=status.st_mtime,
        max_age=max_age,
    )
    response.content_length = status.st_size
    response.make_conditional(request.environ, accept_ranges=True, complete_length=status.st_size)
    # RFC 9111, 3.5: only responses to requests with credentials need "public".
    response.cache_control.public = False
    # Redundant beside max-age, and different every second.
    response.headers.pop("Expires", None)
    return response


def _ignore_unusable(environ: "WSGIEnvironment") -> None:
    """Remove an unsupported Range, and all conditions if one of the dates is malformed."""
    are_dates_readable = all(is_parsable_date(environ.get(name)) for name in _DATES)
    if not are_dates_readable or not has_single_range(environ.get("HTTP_RANGE")):
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
