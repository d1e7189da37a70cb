"""DOOR sockets: the processes that answer."""

from feeds.server.asgi import WorkerApp
from feeds.server.serve import serve

__all__ = [
    "WorkerApp",
    "serve",
]
