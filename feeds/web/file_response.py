"""Responses with open files: conditional, with single ranges."""

import os
from collections.abc import Callable
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from flask import Response, request, send_file
from werkzeug.exceptions import HTTPException, NotFound, ServiceUnavailable
from werkzeug.http import parse_date

from feeds.web.negotiation import has_single_range, is_parsable_date

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

#: Request headers that Werkzeug parses as dates.
_DATES = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_UNMODIFIED_SINCE", "HTTP_IF_RANGE")


def opened(open_file: Callable[[str], IO[bytes] | None], name: str) -> IO[bytes]:
    """Open a file to answer with; raise NotFound, or ServiceUnavailable if it may be there."""
    try:
        file = open_file(name)
    except OSError as error:
        # Caches keep a 404: they must not when the process merely has no descriptor left.
        raise ServiceUnavailable from error
    if file is None:
        raise NotFound
    return file


def file_response(file: IO[bytes], max_age: int, media_type: str) -> Response:
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
