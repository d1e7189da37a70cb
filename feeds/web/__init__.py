"""The door to HTTP: Flask begins and ends in this folder."""

from flask import Flask

from feeds.web import operator_routes, own_images, refusals, site_routes
from feeds.web.contents import ended, moved, paths
from feeds.web.dated import DatedResponse
from feeds.web.front import front
from feeds.web.recipes import feed_recipe
from feeds.web.rendering import version as pages_version
from feeds.web.responses import Web
from feeds.web.routes import routes

__all__ = [
    "Web", "add_routes", "ended", "feed_recipe", "front", "moved", "operator_routes", "own_images",
    "pages_version", "paths", "refusals", "site_routes",
]  # fmt: skip


def add_routes(app: Flask, web: Web) -> None:
    """Let an app answer for what ``web`` holds."""
    # Flask would answer //all.rss by a redirect to the host that the request names.
    app.url_map.merge_slashes = False
    app.response_class = DatedResponse
    app.extensions["tributary"] = web
    app.register_blueprint(routes)
