"""DOOR sockets: the processes that answer."""

from feeds.server.supervisor import serve
from feeds.server.worker import WorkerApp

__all__ = [
    "WorkerApp",
    "serve",
]
