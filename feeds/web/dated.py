"""Flask's answer, mended: a 304 tells the date of what did not change, as a 200 does."""

from typing import TYPE_CHECKING

from flask import Response
from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


class DatedResponse(Response):
    """Keeps Last-Modified on a 304: Werkzeug removes it, and readers then forget the date."""

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> Headers:
        """The headers that are sent."""
        headers = super().get_wsgi_headers(environ)
        if "Last-Modified" in self.headers:
            headers["Last-Modified"] = self.headers["Last-Modified"]
        return headers
