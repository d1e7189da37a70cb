"""DOOR sockets: the processes that answer."""

from feeds.server.serve import serve

__all__ = [
    "serve",
]
