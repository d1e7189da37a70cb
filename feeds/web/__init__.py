"""The web server: routes, pages and the fast path before Flask."""

from flask import Flask

from feeds.web import error_handlers, operator_routes, site_routes
from feeds.web.document_plans import feed_plan
from feeds.web.document_response import Answer
from feeds.web.export_paths import ended, moved, moved_patterns, paths
from feeds.web.fast_path import DocumentRequest, FastPath, RequestFields, with_fast_path
from feeds.web.feed_routes import routes
from feeds.web.flask_response import DatedResponse, Web
from feeds.web.page_rendering import version as pages_version

__all__ = [
    "Answer",
    "DocumentRequest",
    "FastPath",
    "RequestFields",
    "Web",
    "add_routes",
    "ended",
    "error_handlers",
    "feed_plan",
    "moved",
    "moved_patterns",
    "operator_routes",
    "pages_version",
    "paths",
    "site_routes",
    "with_fast_path",
]


def add_routes(app: Flask, web: Web) -> None:
    """Register the routes of ``web`` with an app."""
    # Flask would redirect //all.rss to the host that the request names.
    app.url_map.merge_slashes = False
    app.response_class = DatedResponse
    app.extensions["tributary"] = web
    app.register_blueprint(routes)
