"""Serves the files of the site that are public as they are, at its root."""

from mimetypes import MimeTypes

from flask import Response

from feeds.web.file_response import file_response, opened
from feeds.web.flask_response import web
from feeds.web.headers import PUBLIC_POLICY

#: The types that Python knows, without those of the machine: each machine answers alike.
_TYPES = MimeTypes()


def public_file(path: str) -> Response:
    """Answer with the public file of this path; raise NotFound if there is none."""
    file = opened(web().sync.open_public, path)
    media_type, coding = _TYPES.guess_type(path)
    if media_type is None or coding:
        media_type = "application/octet-stream"
    response = file_response(file, web().catalog.files.site.max_age, media_type)
    # A browser must not run what an operator put there: it has the origin of the pages.
    response.headers.extend(PUBLIC_POLICY)
    return response
