"""The door to HTTP: Flask begins and ends in this folder."""

from flask import Flask

from feeds.web.recipes import feed_recipe
from feeds.web.routes import Web, routes

__all__ = ["Web", "add_routes", "feed_recipe"]


def add_routes(app: Flask, web: Web) -> None:
    """Let an app answer for what ``web`` holds."""
    app.extensions["tributary"] = web
    app.register_blueprint(routes)
