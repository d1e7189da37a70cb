"""The door to HTTP: Flask begins and ends in this folder."""

from flask import Flask

from feeds.web import error_handlers, operator_routes, own_images, site_routes
from feeds.web.dated import DatedResponse
from feeds.web.document_plans import feed_plan
from feeds.web.export_paths import ended, moved, paths
from feeds.web.fast_path import front
from feeds.web.rendering import version as pages_version
from feeds.web.response import Web
from feeds.web.routes import routes

__all__ = [
    "Web",
    "add_routes",
    "ended",
    "error_handlers",
    "feed_plan",
    "front",
    "moved",
    "operator_routes",
    "own_images",
    "pages_version",
    "paths",
    "site_routes",
]


def add_routes(app: Flask, web: Web) -> None:
    """Let an app answer for what ``web`` holds."""
    # Flask would answer //all.rss by a redirect to the host that the request names.
    app.url_map.merge_slashes = False
    app.response_class = DatedResponse
    app.extensions["tributary"] = web
    app.register_blueprint(routes)
