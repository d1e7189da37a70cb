"""Serves the site's own images."""

from mimetypes import guess_type

from flask import Response

from feeds.sync import image_type
from feeds.web.feed_routes import routes
from feeds.web.file_response import file_response, opened
from feeds.web.flask_response import web
from feeds.web.headers import FEED_POLICY

#: Seconds that caches may keep an image.
MAX_AGE = 86_400


@routes.get("/pictures/<path:name>")
def picture(name: str) -> Response:
    """Answer with an image from the content folder."""
    file = opened(web().sync.open_image, name)
    # Its bytes, not its name, as in feeds.
    media_type = image_type(file) or guess_type(name)[0] or ""
    response = file_response(file, MAX_AGE, media_type)
    response.headers.extend(FEED_POLICY)
    return response
